-- Member of a gang that went its own way: to the queue of plain jobs.
--
-- Members are placed together, by reservation, or not at all. A member that is pending can be taken by any worker, and its
-- peers are then never all blocked again.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-28
-- source: Workron (unblocking did not look whether a job is a member of a gang; a fallback that wrote pending first)
-- needs: job_write
-- says: {subject} of {gang} left its gang: {how}
-- column gang: its gang
-- column how: what was written
-- impact: the member runs without its peers and holds a worker, and the gang is never admitted as a whole
-- diagnosis: `timeline show job/ID`: which code path wrote the row
-- mitigation: fail the gang, so that all its members end and it can be submitted again
WITH
  write AS (
    SELECT
      w.run_id, w.job, w.gang, w.at_us, w.position, w.event_id, coalesce(w.from_state, 'nothing') AS from_state, w.to_state,
      w.to_state = 'pending' AS is_pending, c.path = 'queue' AS is_queued
    FROM job_write AS w
    LEFT JOIN job_claimed AS c ON c.run_id = w.run_id AND c.event_id = w.event_id
    WHERE w.gang IS NOT NULL
  )
SELECT
  run_id, 'job' AS subject_kind, job AS subject_id, at_us AS ts_us, 0 AS dur_us, false AS is_open, 'found' AS verdict,
  [event_id] AS evidence,
  gang, concat(from_state, ' to ', to_state, CASE WHEN is_queued THEN ', from the queue' ELSE '' END) AS how
FROM write
WHERE is_pending OR is_queued
QUALIFY row_number() OVER (PARTITION BY run_id, job ORDER BY position) = 1
ORDER BY run_id, ts_us, subject_id, evidence
