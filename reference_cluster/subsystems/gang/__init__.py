"""Gang: jobs on workers. Members of a gang are admitted all or none, and drained together when one of them fails.

scheduler   a replica: its loops, each gated per tick by a lock, and what it shows of itself
admission   which gang gets which workers; reservations that nobody claims are taken back
drain       a round: all members save their work and stop, then the gang waits again or fails
reaper      what has been silent for too long, what must end by force, what has come to its end
reports     what workers say about their jobs, judged
offers      a worker asks for work and claims it
intake      gangs and jobs are submitted, workers join, check in and leave
unblock     jobs that wait for others
worker      a worker process: asks, claims, runs, reports
process     what a worker runs: works for a while, may fail, may wait for its gang
"""
