"""Placement: jobs are packed onto nodes without a master; whoever computes a schedule first commits it.

The system is Ozymandias, "my own mini-kubernetes" of the seed document 002. Its design note was never built: upstream
has a few commands that make and destroy pods, and no scheduler. What runs here is the note, made whole: where it leaves
a choice open, the choice is named in `scenario.Config` and declared in the log, and where its own words lead to harm,
the repaired behaviour is what runs and a planted bug restores the words.

jobs         a job file becomes a job, or a problem with its numbers
packing      which node takes which slot
schedule     the picture that a schedule is computed from, and its commit by compare-and-set
submissions  a user creates a job or scales it
planner      slots of nodes that are gone, and slots without a place
leases       a node joins, stays, and finds out that it was away
runner       the schedule against the containers of this node
instances    how any instance moves
health       checks, and the DNS records that follow them
ingress      requests by their Host header
runtime      the containers of a node, and the watchdog that stops them
etcd         the store's own part: leases that run out, elections
truth        what planted bugs have really done
"""
