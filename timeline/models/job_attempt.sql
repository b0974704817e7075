-- Every time a worker took a job: from the claim until the row says that the work is over, and the process that ran for it.
--
-- The row and the process are two things: a process may go on when the row has moved on, and the row may wait for a process
-- that is gone.
--
-- column run_id: the run
-- column job: the job
-- column gang: gang that it is a member of; null for a plain job
-- column claim: number of the claim, from 1
-- column attempts: attempts that counted against the limit, this one included
-- column worker: worker that claimed it
-- column path: how the worker came to it: reservation, queue
-- column epoch: drains of its gang at the claim
-- column ts_us: when it was claimed
-- column dur_us: how long the row said running or preempting; until the log ends where it is open
-- column is_open: the row says so as the log ends
-- column ended_by: kind of the write that ended it; null where it is open
-- column ended_reason: reason that this write gives
-- column process_us: when the worker started the process; null where it never said so
-- column process_ended_us: when the process was gone; null where nobody said so
-- column process_reason: why it ended
-- column event_id: the claim
-- column end_event_id: the write that ended it
-- column process_event_id: the start of the process
-- column process_end_event_id: the end of the process
WITH
  said AS (
    SELECT
      w.run_id, w.job, w.gang, w.claim, w.attempts, w.worker, c.path, w.epoch, w.at_us, w.position, w.kind, w.reason, w.event_id,
      lead(w.at_us) OVER life AS until_us,
      lead(w.kind) OVER life AS until_kind,
      lead(w.reason) OVER life AS until_reason,
      lead(w.event_id) OVER life AS until_event_id
    FROM job_write AS w
    LEFT JOIN job_claimed AS c ON c.run_id = w.run_id AND c.event_id = w.event_id
    WHERE w.kind = 'job.claimed' OR (w.to_state NOT IN ('running', 'preempting'))
    WINDOW life AS (PARTITION BY w.run_id, w.job ORDER BY w.position)
  ),
  process AS (
    SELECT
      e.run_id, e.subject_id AS job, e.claim, e.incarnation AS worker,
      min(t.at_us) FILTER (WHERE e.kind = 'job.process_started') AS process_us,
      min_by(e.event_id, t.position) FILTER (WHERE e.kind = 'job.process_started') AS process_event_id,
      min(t.at_us) FILTER (WHERE e.kind = 'job.process_ended') AS process_ended_us,
      min_by(e.reason, t.position) FILTER (WHERE e.kind = 'job.process_ended') AS process_reason,
      min_by(e.event_id, t.position) FILTER (WHERE e.kind = 'job.process_ended') AS process_end_event_id
    FROM gang_event AS e
    JOIN event_time AS t USING (event_no)
    WHERE e.kind IN ('job.process_started', 'job.process_ended')
    GROUP BY e.run_id, e.subject_id, e.claim, e.incarnation
  )
SELECT
  s.run_id, s.job, s.gang, s.claim, s.attempts, coalesce(s.worker, p.worker) AS worker, s.path, s.epoch,
  s.at_us AS ts_us,
  coalesce(s.until_us, b.end_us) - s.at_us AS dur_us,
  s.until_us IS NULL AS is_open,
  s.until_kind AS ended_by,
  s.until_reason AS ended_reason,
  p.process_us, p.process_ended_us, p.process_reason,
  s.event_id, s.until_event_id AS end_event_id, p.process_event_id, p.process_end_event_id
FROM said AS s
JOIN log_bounds AS b ON b.run_id = s.run_id
LEFT JOIN process AS p ON p.run_id = s.run_id AND p.job = s.job AND p.claim = s.claim AND p.worker = coalesce(s.worker, p.worker)
WHERE s.kind = 'job.claimed'
