-- Worker that got a member while it still had another job.
--
-- A worker runs one job at a time, and a job that is to stop holds its worker until it has stopped. A placement that counts only
-- what runs puts the next member beside it, and both fight for the same memory.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-13
-- source: Workron, read in the code (the capacity leaves preempting jobs out)
-- needs: job_write
-- says: {subject} got {job} while {beside} was {state} on it, for {held_us} already; the two overlapped for {dur_us}
-- param grace_us: 1000000 time that a placement may lie behind what it has read
-- column job: the job that was placed
-- column beside: the job that was there already
-- column state: state of that job
-- column held_us: how long that job had held the worker
-- impact: a process is started beside one that still holds the memory, and both may be killed for it
-- diagnosis: `timeline show worker/ID`: what was placed there at that moment, and in which state it was
-- mitigation: none needed once the first job has stopped
WITH
  stretch AS (
    SELECT
      run_id, job, state, worker, ts_us, ts_us + dur_us AS ended_us, is_open, event_id,
      min(ts_us) OVER (PARTITION BY run_id, job, claim, worker) AS held_since_us
    FROM job_state_interval
    WHERE state IN ('running', 'preempting') AND worker IS NOT NULL
  ),
  placed AS (
    SELECT run_id, job, worker, ts_us, ts_us + dur_us AS ended_us, is_open, event_id
    FROM job_state_interval
    WHERE state = 'reserved'
  )
SELECT
  p.run_id, 'worker' AS subject_kind, p.worker AS subject_id, p.ts_us, least(p.ended_us, s.ended_us) - p.ts_us AS dur_us,
  p.is_open AND s.is_open AS is_open, 'found' AS verdict, [p.event_id, s.event_id] AS evidence,
  p.job, s.job AS beside, s.state, p.ts_us - s.held_since_us AS held_us
FROM placed AS p
JOIN stretch AS s ON s.run_id = p.run_id AND s.worker = p.worker AND s.job <> p.job
  AND s.ts_us <= p.ts_us AND s.ended_us > p.ts_us AND s.held_since_us < p.ts_us - $grace_us
ORDER BY p.run_id, p.ts_us, subject_id, p.job, s.job, evidence
