"""Barrier: the k6 charm. Units of one application start a load test at the same moment (seed document 003).

A unit starts k6 and holds it; its databag says that it is ready; the leader, woken by each such change, releases all of them
when all are ready, and clears the barrier when all are done. Juju decides who leads and who is woken when.
"""
