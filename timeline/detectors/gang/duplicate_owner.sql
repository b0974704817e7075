-- Job that ran on two workers at once.
--
-- A worker whose job was given to another stops its process before the other begins: it is told so, or it has been without
-- an answer for so long that it must know. Two processes of one job write over each other's work. A worker whose machine
-- stood still knows nothing, so this can happen in a sound design too: it is harm then all the same, and no broken invariant.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-18
-- source: Workron, read in the code (a worker that is refused goes on running the process); kueue, ray and nomad have the like
-- needs: job_attempt
-- says: {subject} ran on {worker} and on {other_worker} at once, for {dur_us}
-- param grace_us: 2000000 overlap that clocks placed by causes alone may show
-- column worker: worker that had the job first
-- column other_worker: worker that had it next
-- column claim: claim of the first
-- impact: work is done twice, and two processes write the same files
-- diagnosis: `timeline show job/ID`: was the first worker cut off, and did it go on after a refused heartbeat
-- mitigation: stop the process on the first worker
WITH
  -- A process of which nobody said that it ended ran at least until its worker's last word.
  word AS (
    SELECT e.run_id, e.incarnation AS worker, max(t.at_us) AS last_us
    FROM gang_event AS e
    JOIN event_time AS t ON t.event_no = e.event_no
    WHERE e.kind IN ('job.process_started', 'job.process_ended', 'job.preempt_received')
    GROUP BY e.run_id, e.incarnation
  ),
  process AS (
    SELECT a.run_id, a.job, a.claim, a.worker, a.process_us, coalesce(a.process_ended_us, w.last_us) AS ended_us, a.process_event_id
    FROM job_attempt AS a
    JOIN word AS w ON w.run_id = a.run_id AND w.worker = a.worker
    WHERE a.process_us IS NOT NULL
  ),
  pair AS (
    SELECT
      a.run_id, a.job, a.claim, a.worker, b.worker AS other_worker,
      b.process_us AS ts_us, least(a.ended_us, b.ended_us) AS ended_us, a.process_event_id, b.process_event_id AS other_event_id
    FROM process AS a
    JOIN process AS b ON b.run_id = a.run_id AND b.job = a.job AND b.claim > a.claim AND b.worker <> a.worker
    WHERE least(a.ended_us, b.ended_us) - b.process_us > $grace_us
  )
SELECT
  run_id, 'job' AS subject_kind, job AS subject_id, ts_us, ended_us - ts_us AS dur_us, false AS is_open, 'found' AS verdict,
  [process_event_id, other_event_id] AS evidence,
  worker, other_worker, claim
FROM pair
ORDER BY run_id, ts_us, subject_id, claim, other_worker, evidence
