"""Gang: jobs on workers; a gang is a set of jobs that are admitted all or none, and drained together when one fails.

The durable states of a job are those of Workron (`pending blocked reserved running preempting preempted done failed`). A
durable move and its event are one transaction; what a worker does with a job in its own memory (`job.process_*`) is
another event, so that the two can be held against each other.

Subjects: `gang`, `job` (a member of a gang is a job), `worker`, `scheduler`. The id of a worker or a scheduler is its process
incarnation. Refs: `gang` on every event of a member, apart from the routine ones (`job.heartbeated`, `job.offered`), which would
drown the gang's timeline; `worker` is the worker that the event is about (on a report: the one that reports); `dependency` names
the jobs that a job waits for; on events of a gang `member` and `worker` name the jobs and workers that are touched, `trigger`
the job that began a drain, `counted` the workers that a refusal has counted.
`epoch` of the envelope counts the drains of the gang; `workload` is the gang of a member, and the job itself where there is none.
"""
