-- Stretches of a job's durable life: one state, one worker, one claim, one epoch.
--
-- The end states `done` and `failed` have their stretch too, open until the log ends. A row that the log begins in the
-- middle of has its first stretch from the first write that was seen.
--
-- column run_id: the run
-- column job: the job
-- column gang: gang that it is a member of; null for a plain job
-- column state: pending, blocked, reserved, running, preempting, preempted, done, failed
-- column worker: worker that the row names
-- column claim: claims of the job so far; never refunded
-- column attempts: attempts that count against the limit
-- column epoch: drains of its gang so far
-- column cpu: CPUs that the job declares to need
-- column ts_us: when it began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column reason: reason of the write that began it
-- column next_state: the state after it
-- column next_reason: reason of the write that ended it
-- column event_id: the write that began it
-- column end_event_id: the write that ended it
WITH
  write AS (
    SELECT
      *,
      lag(to_state) OVER life IS DISTINCT FROM to_state
        OR lag(worker) OVER life IS DISTINCT FROM worker
        OR lag(claim) OVER life IS DISTINCT FROM claim
        OR lag(epoch) OVER life IS DISTINCT FROM epoch AS is_change
    FROM job_write
    WINDOW life AS (PARTITION BY run_id, job ORDER BY position)
  ),
  stretch AS (
    SELECT
      *,
      lead(at_us) OVER life AS until_us,
      lead(to_state) OVER life AS next_state,
      lead(reason) OVER life AS next_reason,
      lead(event_id) OVER life AS end_event_id
    FROM write
    WHERE is_change
    WINDOW life AS (PARTITION BY run_id, job ORDER BY position)
  )
SELECT
  stretch.run_id, job, gang, to_state AS state, worker, claim, attempts, epoch, cpu,
  at_us AS ts_us,
  coalesce(until_us, end_us) - at_us AS dur_us,
  until_us IS NULL AS is_open,
  reason, next_state, next_reason, event_id, end_event_id
FROM stretch
JOIN log_bounds ON log_bounds.run_id = stretch.run_id
