-- Loop of a control plane that has stopped, while the control plane lives on.
--
-- Each control plane runs loops of its own: the upkeep of its pool, its fallback reaper. A sweep speaks even when it finds
-- nothing, so silence means that the loop hangs or has ended.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-04
-- source: duckgres pull 820 follow-up (a logging helper that takes the pool's lock again); celery issue 8030
-- needs: sweep_run, life_sign
-- says: the loop {sweep} of {subject} was silent for {dur_us}, while its heartbeats went on; it promises a pass every {interval_us}
-- param grace_us: 1000000 time that a process which was stopped as a whole has for catching up
-- column sweep: the loop
-- column interval_us: the interval that it promises
-- impact: what the loop looks after stands still; its workers are neither reused nor reaped
-- diagnosis: the last event of that loop, most often an error of the store, says where it hangs
-- mitigation: restart that control plane
WITH
  silence AS (
    SELECT
      s.run_id, s.control_plane, s.sweep, s.interval_us, s.at_us, s.event_id, s.next_us,
      least(coalesce(s.next_us, b.end_us), coalesce(life.stopped_us, b.end_us)) AS ended_us,
      life.stopped_us, b.end_us, life.last_heartbeat_us, c.control_plane_expiry_us AS expiry_us,
      3 * s.interval_us + c.call_timeout_us + c.persist_timeout_us AS window_us
    FROM sweep_run AS s
    JOIN log_bounds AS b ON b.run_id = s.run_id
    JOIN run_config AS c ON c.run_id = s.run_id
    LEFT JOIN control_plane_life AS life ON life.run_id = s.run_id AND life.control_plane = s.control_plane
    WHERE s.scope = 'instance' AND coalesce(s.next_us, b.end_us) - s.at_us > s.interval_us + $grace_us
  ),
  alive AS (
    SELECT s.run_id, s.event_id, min(h.ts_us) AS alive_us, min_by(h.event_id, (h.ts_us, h.event_id)) AS life_event_id
    FROM silence AS s
    JOIN life_sign AS h ON h.run_id = s.run_id AND h.control_plane = s.control_plane AND h.ts_us > s.at_us + s.window_us
    GROUP BY s.run_id, s.event_id
  )
SELECT
  s.run_id, 'control_plane' AS subject_kind, s.control_plane AS subject_id,
  s.at_us AS ts_us, s.ended_us - s.at_us AS dur_us, s.next_us IS NULL AND s.stopped_us IS NULL AS is_open,
  CASE WHEN s.ended_us > a.alive_us + $grace_us THEN 'found' ELSE 'pending' END AS verdict,
  [s.event_id, a.life_event_id] AS evidence,
  s.sweep, s.interval_us
FROM silence AS s
LEFT JOIN alive AS a ON a.run_id = s.run_id AND a.event_id = s.event_id
WHERE s.ended_us > a.alive_us + $grace_us
  OR (s.next_us IS NULL AND s.stopped_us IS NULL AND s.end_us - s.last_heartbeat_us <= s.expiry_us)
ORDER BY s.run_id, ts_us, subject_id, s.sweep, evidence
