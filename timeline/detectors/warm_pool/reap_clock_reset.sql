-- Parked worker whose age starts again with every rewrite of its row.
--
-- The reaper takes a worker's idle age from a clock column. When a write that changes no state moves that column, the
-- age starts again, and a worker that is rewritten more often than its TTL is never reaped, though sweeps run.
--
-- severity: warning
-- alert_for: 1m
-- catalogue: X-06
-- source: duckgres pull 810 (age from updated_at, which credential refresh rewrites); ray-project/ray issue 21870
-- needs: worker_state_interval, sweep_run
-- says: {subject} sat hot_idle for {dur_us} with a TTL of {ttl_us}: {rewrites} rewrites of its row moved the clock of its age
-- param grace_us: 1000000 time past two ticks of the janitor before it counts
-- column ttl_us: the TTL in force when the worker was parked
-- column rewrites: rewrites in the stretch that moved the clock
-- column cost_vcpu_seconds: size of the worker times its time past the TTL
-- impact: every worker that is refreshed is kept for ever; the pool only grows
-- diagnosis: compare the times of worker.refreshed with the age that the sweep judged, and the column it says it came from
-- mitigation: take the age from the time of parking (hot_idle_since), or let refreshes leave the column alone
WITH
  parked AS (
    SELECT
      w.run_id, w.worker, w.ts_us, w.ts_us + w.dur_us AS ended_us, w.is_open, w.vcpu, w.event_id,
      coalesce(w.ttl_us, c.hot_idle_ttl_us) AS ttl_us,
      w.ts_us + coalesce(w.ttl_us, c.hot_idle_ttl_us) AS due_us,
      w.ts_us + coalesce(w.ttl_us, c.hot_idle_ttl_us) + 2 * c.tick_us + $grace_us AS overdue_us
    FROM worker_state_interval AS w
    JOIN run_config AS c ON c.run_id = w.run_id
    WHERE w.state = 'hot_idle' AND w.dur_us > coalesce(w.ttl_us, c.hot_idle_ttl_us)
  ),
  rewritten AS (
    SELECT p.run_id, p.worker, p.ts_us, min(t.at_us) AS first_us, min_by(r.event_id, t.position) AS rewrite_event_id, count(*) AS rewrites
    FROM parked AS p
    JOIN worker_refreshed AS r ON r.run_id = p.run_id AND r.subject_id = p.worker AND r.moved_basis
    JOIN event_time AS t ON t.event_no = r.event_no AND t.at_us > p.ts_us AND t.at_us < p.ended_us
    GROUP BY p.run_id, p.worker, p.ts_us
  ),
  suspect AS (
    SELECT p.*, rewrite_event_id, rewrites
    FROM parked AS p
    JOIN rewritten AS r ON r.run_id = p.run_id AND r.worker = p.worker AND r.ts_us = p.ts_us AND r.first_us < p.overdue_us
  ),
  swept AS (
    SELECT s.run_id, s.worker, s.ts_us, min_by(w.event_id, (w.at_us, w.event_id)) AS sweep_event_id
    FROM suspect AS s
    JOIN sweep_run AS w ON w.run_id = s.run_id AND w.sweep = 'janitor' AND w.at_us > s.due_us AND w.at_us < least(s.overdue_us, s.ended_us)
    GROUP BY s.run_id, s.worker, s.ts_us
  ),
  kept AS (
    SELECT DISTINCT s.run_id, s.worker, s.ts_us
    FROM suspect AS s
    JOIN worker_retire_skipped AS k ON k.run_id = s.run_id AND k.subject_id = s.worker AND k.reason = 'floor'
    JOIN event_time AS t ON t.event_no = k.event_no AND t.at_us > s.due_us AND t.at_us <= s.overdue_us
  )
SELECT
  s.run_id, 'worker' AS subject_kind, s.worker AS subject_id,
  s.ts_us, s.ended_us - s.ts_us AS dur_us, s.is_open,
  CASE WHEN s.ended_us > s.overdue_us THEN 'found' ELSE 'pending' END AS verdict,
  [s.event_id, s.rewrite_event_id, swept.sweep_event_id] AS evidence,
  s.ttl_us, s.rewrites,
  s.vcpu * (s.ended_us - s.due_us) / 1000000 AS cost_vcpu_seconds
FROM suspect AS s
JOIN swept ON swept.run_id = s.run_id AND swept.worker = s.worker AND swept.ts_us = s.ts_us
WHERE (s.ended_us > s.overdue_us OR s.is_open)
  AND NOT EXISTS (SELECT 1 FROM kept AS k WHERE k.run_id = s.run_id AND k.worker = s.worker AND k.ts_us = s.ts_us)
ORDER BY s.run_id, s.ts_us, subject_id, evidence
