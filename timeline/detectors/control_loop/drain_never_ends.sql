-- Control plane that drains for longer than a drain may take.
--
-- A draining control plane takes no more work and waits for what it has. As long as it lives, the orphan sweep leaves its
-- workers alone; when its drain never ends, nor do they.
--
-- severity: warning
-- alert_for: 5m
-- catalogue: X-15
-- source: duckgres pull 818 (no bound in remote mode: the pass that would expire it is off)
-- needs: control_plane_life, worker_state_interval
-- says: {subject} has drained for {dur_us}, with a bound of {bound_us}, and still owned {workers} workers, {worker} among them
-- param default_bound_us: 3600000000 the bound where the control plane declares none
-- param quiet_us: 600000000 where none is declared, a session that was used within this time excuses the drain
-- column bound_us: how long the drain may take
-- column worker: one of the workers that it still owned
-- column workers: how many it owned when the bound had passed
-- column cost_vcpu_seconds: size of those workers times the time past the bound
-- impact: its workers are paid for, and the old version of the program runs on
-- diagnosis: `timeline show control_plane/ID`; does it have sessions that nobody uses, or hot workers without a session
-- mitigation: end its sessions and stop the process; set a bound for drains
WITH
  drain AS (
    SELECT
      l.run_id, l.control_plane, l.drain_started_us AS ts_us, coalesce(l.drain_bound_us, 0) = 0 AS is_unbounded,
      coalesce(nullif(l.drain_bound_us, 0), $default_bound_us) AS bound_us,
      -- The leader expires it, so a failover may come in between.
      l.drain_started_us + coalesce(nullif(l.drain_bound_us, 0), $default_bound_us)
        + 2 * c.tick_us + c.lease_duration_us + c.lease_retry_us AS overdue_us,
      least(coalesce(l.stopped_us, b.end_us), coalesce(l.expired_us, b.end_us)) AS ended_us,
      l.stopped_us IS NULL AND l.expired_us IS NULL AS is_open, l.last_heartbeat_us, l.drain_event_id,
      b.end_us, c.control_plane_expiry_us AS expiry_us
    FROM control_plane_life AS l
    JOIN log_bounds AS b ON b.run_id = l.run_id
    JOIN run_config AS c ON c.run_id = l.run_id
    WHERE l.drain_started_us IS NOT NULL
  ),
  used AS (
    SELECT DISTINCT d.run_id, d.control_plane
    FROM drain AS d
    JOIN warm_pool_event AS e ON e.run_id = d.run_id AND e.incarnation = d.control_plane
      AND e.kind IN ('session.started', 'session.touched')
    JOIN event_time AS t ON t.event_no = e.event_no AND t.at_us > d.overdue_us - $quiet_us AND t.at_us <= d.overdue_us
    WHERE d.is_unbounded
  ),
  owned AS (
    SELECT
      d.run_id, d.control_plane, count(*) AS workers, sum(w.vcpu) AS vcpu,
      min(w.worker) AS worker, min_by(w.event_id, (w.worker, w.event_id)) AS worker_event_id
    FROM drain AS d
    JOIN worker_state_interval AS w ON w.run_id = d.run_id AND w.owner = d.control_plane AND w.state NOT IN ('retired', 'lost')
      AND w.ts_us <= least(d.overdue_us, d.end_us) AND (w.ts_us + w.dur_us > d.overdue_us OR w.is_open)
    GROUP BY d.run_id, d.control_plane
  )
SELECT
  d.run_id, 'control_plane' AS subject_kind, d.control_plane AS subject_id,
  d.ts_us, d.ended_us - d.ts_us AS dur_us, d.is_open,
  CASE WHEN least(d.ended_us, d.last_heartbeat_us) > d.overdue_us THEN 'found' ELSE 'pending' END AS verdict,
  [d.drain_event_id, o.worker_event_id] AS evidence,
  d.bound_us, o.worker, o.workers,
  o.vcpu * greatest(d.ended_us - d.ts_us - d.bound_us, 0) / 1000000 AS cost_vcpu_seconds
FROM drain AS d
JOIN owned AS o ON o.run_id = d.run_id AND o.control_plane = d.control_plane
WHERE NOT EXISTS (SELECT 1 FROM used AS u WHERE u.run_id = d.run_id AND u.control_plane = d.control_plane)
  AND (least(d.ended_us, d.last_heartbeat_us) > d.overdue_us OR (d.is_open AND d.end_us - d.last_heartbeat_us <= d.expiry_us))
ORDER BY d.run_id, d.ts_us, subject_id, evidence
