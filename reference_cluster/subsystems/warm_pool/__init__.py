"""Warm pool: workers are spawned under a cap, activated for a tenant, parked while idle, reused or reclaimed.

acquire   a session gets a worker: claim a parked one, or spawn
spawn     a slot becomes a pod
serve     activation, sessions, parking
upkeep    what each control plane does for its own workers
reap      how any worker ends
janitor   what only the leader does, in a fixed order
fallback  what every control plane does when nobody leads
headroom  spare capacity kept on purpose
"""
