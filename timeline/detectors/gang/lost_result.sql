-- Work that was done, refused because of the moment, and done again.
--
-- A worker that reports the end of a job it still holds says something true. Where the report is refused only because the gang
-- has begun to drain, the result is thrown away, or a failure goes unpaid, and the job is run once more.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-44
-- source: Workron, read in the code (done and fail are taken from running jobs only)
-- needs: job_write
-- says: {subject} was {said} on {worker}, refused as {state}, and claimed again {dur_us} later
-- column said: what the worker reported: done, failed
-- column worker: the worker that reported
-- column state: state of the row at that moment
-- column claim: claim that the report was for
-- impact: the work of a whole attempt is lost; a member that fails in a drain is never charged for it
-- diagnosis: `timeline show job/ID`: when the round began, and when the report came
-- mitigation: none in the log; jobs that save often lose less
WITH
  refused AS (
    SELECT
      e.run_id, e.subject_id AS job, e.reported_by, e.reported_claim, e.state, t.at_us, t.position, e.event_id,
      CASE WHEN e.kind = 'job.done_rejected' THEN 'done' ELSE 'failed' END AS said
    FROM gang_event AS e
    JOIN event_time AS t ON t.event_no = e.event_no
    WHERE e.kind IN ('job.done_rejected', 'job.fail_rejected') AND e.fence = 'state' AND e.state = 'preempting'
  ),
  judged AS (
    SELECT
      r.*, b.end_us,
      row_number() OVER (PARTITION BY r.run_id, r.job, r.reported_claim ORDER BY r.position) AS report_no
    FROM refused AS r
    JOIN job_state_interval AS s ON s.run_id = r.run_id AND s.job = r.job AND s.claim = r.reported_claim AND s.state = 'preempting'
    JOIN log_bounds AS b ON b.run_id = r.run_id
  ),
  again AS (
    SELECT j.run_id, j.event_id, min(a.ts_us) AS ts_us, min_by(a.event_id, (a.ts_us, a.event_id)) AS claim_event_id
    FROM judged AS j
    JOIN job_attempt AS a ON a.run_id = j.run_id AND a.job = j.job AND a.claim > j.reported_claim
    GROUP BY j.run_id, j.event_id
  ),
  ended AS (
    SELECT DISTINCT run_id, job FROM job_write WHERE to_state IN ('done', 'failed')
  )
SELECT
  j.run_id, 'job' AS subject_kind, j.job AS subject_id, j.at_us AS ts_us, coalesce(a.ts_us, j.end_us) - j.at_us AS dur_us,
  a.ts_us IS NULL AS is_open,
  CASE WHEN a.ts_us IS NULL THEN 'pending' ELSE 'found' END AS verdict,
  [j.event_id, a.claim_event_id] AS evidence,
  j.said, j.reported_by AS worker, j.state, j.reported_claim AS claim
FROM judged AS j
LEFT JOIN again AS a ON a.run_id = j.run_id AND a.event_id = j.event_id
WHERE j.report_no = 1
  AND (a.ts_us IS NOT NULL OR NOT EXISTS (SELECT 1 FROM ended AS e WHERE e.run_id = j.run_id AND e.job = j.job))
ORDER BY j.run_id, ts_us, subject_id, claim, evidence
