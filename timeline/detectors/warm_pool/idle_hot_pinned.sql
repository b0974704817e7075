-- Hot worker that serves nobody and is not parked.
--
-- A worker whose last session has ended is parked at once, so that it can be reused or reaped. One that stays hot is
-- outside of every reaper's sight, and worst on a draining control plane: it will never get a session again.
--
-- severity: warning
-- alert_for: 1m
-- catalogue: X-07
-- source: duckgres pull 835 (a draining control plane kept 132 pods hot, 2385 vCPU) and pull 854
-- needs: worker_state_interval, life_sign
-- says: {subject} was hot without a session for {dur_us} on {control_plane}, which looks at its pool every {pool_tick_us}
-- param grace_us: 1000000 time that a process which was stopped as a whole has for catching up
-- column control_plane: the owner
-- column pool_tick_us: the interval of the pool's upkeep
-- column severity: critical where the owner is draining
-- column cost_vcpu_seconds: size of the worker times that time
-- impact: the capacity is paid for and nobody can use it
-- diagnosis: `timeline show worker/ID`: after the last session no worker.parked follows; is the owner draining, does its pool sweep run
-- mitigation: retire the worker; a draining control plane with such workers can be stopped
WITH
  hot AS (
    SELECT w.run_id, w.worker, w.owner, w.vcpu, w.ts_us, w.ts_us + w.dur_us AS ended_us, w.is_open, w.event_id
    FROM worker_state_interval AS w
    JOIN worker_write AS first ON first.run_id = w.run_id AND first.event_id = w.event_id AND first.from_state <> first.to_state
    WHERE w.state = 'hot'
  ),
  -- What rightly keeps a worker hot: a session, one that is about to start, a write of its row that fails for now.
  hold AS (
    SELECT run_id, worker, ts_us AS from_us, ts_us + dur_us AS to_us, coalesce(end_event_id, event_id) AS event_id FROM worker_use_interval
    UNION ALL
    SELECT run_id, subject_id, at_us, at_us, event_id FROM worker_commit_failed JOIN event_time USING (event_no, run_id)
  ),
  mark AS (
    SELECT run_id, worker, ts_us, ts_us AS from_us, ts_us AS to_us, event_id, 0 AS is_end FROM hot
    UNION ALL
    SELECT run_id, worker, ts_us, ended_us, ended_us, event_id, 1 FROM hot
    UNION ALL
    SELECT h.run_id, h.worker, h.ts_us, hold.from_us, least(hold.to_us, h.ended_us), hold.event_id, 0
    FROM hot AS h
    JOIN hold ON hold.run_id = h.run_id AND hold.worker = h.worker AND hold.from_us < h.ended_us AND hold.to_us >= h.ts_us
  ),
  gap AS (
    SELECT run_id, worker, ts_us, is_end, from_us AS until_us, max(to_us) OVER before AS free_us,
      max_by(event_id, (to_us, event_id)) OVER before AS event_id
    FROM mark
    WINDOW before AS (PARTITION BY run_id, worker, ts_us ORDER BY from_us, is_end, event_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
  ),
  idle AS (
    SELECT
      g.run_id, g.worker, h.owner, h.vcpu, g.free_us, g.until_us, g.event_id, g.is_end = 1 AND h.is_open AS is_open,
      c.pool_tick_us, g.free_us + 4 * c.pool_tick_us AS due_us, c.control_plane_expiry_us AS expiry_us
    FROM gap AS g
    JOIN hot AS h ON h.run_id = g.run_id AND h.worker = g.worker AND h.ts_us = g.ts_us
    JOIN run_config AS c ON c.run_id = g.run_id
    WHERE g.until_us - g.free_us > c.pool_tick_us
  ),
  alive AS (
    SELECT i.run_id, i.worker, i.free_us, min(s.ts_us) + $grace_us AS proven_us, min_by(s.event_id, (s.ts_us, s.event_id)) AS life_event_id
    FROM idle AS i
    JOIN life_sign AS s ON s.run_id = i.run_id AND s.control_plane = i.owner AND s.ts_us > i.due_us
    GROUP BY i.run_id, i.worker, i.free_us
  )
SELECT
  i.run_id, 'worker' AS subject_kind, i.worker AS subject_id, i.free_us AS ts_us, i.until_us - i.free_us AS dur_us, i.is_open,
  CASE WHEN i.until_us > a.proven_us THEN 'found' ELSE 'pending' END AS verdict,
  [i.event_id, a.life_event_id] AS evidence,
  i.owner AS control_plane, i.pool_tick_us,
  CASE WHEN life.drain_started_us < i.until_us THEN 'critical' ELSE 'warning' END AS severity,
  i.vcpu * (i.until_us - i.free_us) / 1000000 AS cost_vcpu_seconds
FROM idle AS i
LEFT JOIN alive AS a ON a.run_id = i.run_id AND a.worker = i.worker AND a.free_us = i.free_us
LEFT JOIN control_plane_life AS life ON life.run_id = i.run_id AND life.control_plane = i.owner
WHERE (i.until_us > a.proven_us OR (i.is_open AND i.until_us - life.last_heartbeat_us <= i.expiry_us))
  AND NOT EXISTS (
    SELECT 1 FROM worker_memory_interval AS m WHERE m.run_id = i.run_id AND m.worker = i.worker AND m.control_plane = i.owner
      AND m.state NOT IN ('hot', 'forgotten') AND m.ts_us <= i.due_us AND m.ts_us + m.dur_us > i.due_us
  )
ORDER BY i.run_id, ts_us, subject_id, evidence
