-- Job that waits for one that has failed.
--
-- A job is unblocked when all that it waits for is done. One of them has failed, so that will never be; the job is to fail
-- with it.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-34
-- source: Workron, known limitation (only done unblocks, and nobody looks at failures)
-- needs: gang_config, gang_tick
-- says: {subject} was blocked for {dur_us} after {dependency} had failed, which it waits for
-- column dependency: the job that failed
-- impact: the job, and whatever waits for it in turn, is never run and never failed; nobody is told
-- diagnosis: `timeline show job/ID` of the dependency: why it failed
-- mitigation: fail or submit again what waits
WITH
  waits AS (
    SELECT s.run_id, s.subject_id AS job, o.id AS dependency
    FROM job_submitted AS s
    JOIN event_time AS t ON t.event_no = s.event_no
    JOIN event_object AS o ON o.event_no = s.event_no AND o.role = 'dependency'
  ),
  starved AS (
    SELECT
      b.run_id, b.job, w.dependency, greatest(b.ts_us, f.ts_us) AS ts_us, b.ts_us + b.dur_us AS ended_us, b.is_open,
      f.event_id AS fail_event_id, b.event_id, c.reaper_tick_us
    FROM waits AS w
    JOIN job_state_interval AS f ON f.run_id = w.run_id AND f.job = w.dependency AND f.state = 'failed'
    JOIN job_state_interval AS b ON b.run_id = w.run_id AND b.job = w.job AND b.state = 'blocked' AND b.ts_us + b.dur_us > f.ts_us
    JOIN gang_config AS c ON c.run_id = w.run_id
    QUALIFY row_number() OVER (PARTITION BY b.run_id, b.job ORDER BY f.ts_us, w.dependency, b.ts_us, b.event_id) = 1
  ),
  -- Two whole ticks of the reaper saw the failure and left the job as it was.
  passed AS (
    SELECT s.run_id, s.job, min_by(t.end_event_id, (t.ts_us, t.end_event_id)) AS end_event_id
    FROM starved AS s
    JOIN gang_tick AS t ON t.run_id = s.run_id AND t.loop = 'reaper' AND t.result = 'completed'
      AND t.ts_us > s.ts_us + s.reaper_tick_us AND t.ts_us + t.dur_us < s.ended_us
    GROUP BY s.run_id, s.job
  )
SELECT
  s.run_id, 'job' AS subject_kind, s.job AS subject_id, s.ts_us, s.ended_us - s.ts_us AS dur_us, s.is_open,
  CASE WHEN p.end_event_id IS NOT NULL THEN 'found' ELSE 'pending' END AS verdict,
  [s.fail_event_id, s.event_id, p.end_event_id] AS evidence,
  s.dependency
FROM starved AS s
LEFT JOIN passed AS p ON p.run_id = s.run_id AND p.job = s.job
WHERE p.end_event_id IS NOT NULL OR s.is_open
ORDER BY s.run_id, s.ts_us, subject_id, evidence
