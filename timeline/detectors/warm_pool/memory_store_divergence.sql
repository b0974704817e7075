-- Worker that its owner remembers in one state while the row says another.
--
-- A durable write that is lost and nobody minds splits the two pictures. The reaper and everybody who claims look at the
-- row, the owner looks at its memory: the worker is invisible to one side, or is ended while it serves.
--
-- severity: critical
-- alert_for: 1m
-- catalogue: X-08
-- source: duckgres pull 820, fixes 3 and 4
-- needs: worker_state_interval, worker_memory_interval, life_sign
-- says: {control_plane} took {subject} for {memory_state} for {dur_us} while its row said {state}
-- param grace_us: 5000000 time past the store's time limit before it counts
-- column control_plane: the owner
-- column memory_state: state in the owner's memory
-- column state: state in the row
-- column cost_vcpu_seconds: size of the worker times that time
-- impact: a parked worker that the row calls hot is neither reused nor reaped; a hot one that the row calls activating will be ended in
--   mid-session
-- diagnosis: look for worker.commit_failed on the worker around the beginning
-- mitigation: restart that control plane when its sessions have ended; the orphan sweep then takes its rows
WITH
  pair AS (
    SELECT
      m.run_id, m.worker, m.control_plane, m.state AS memory_state, w.state, w.vcpu,
      greatest(m.ts_us, w.ts_us) AS ts_us,
      least(m.ts_us + m.dur_us, w.ts_us + w.dur_us) AS ended_us,
      m.is_open AND w.is_open AS is_open, m.event_id AS memory_event_id, w.event_id,
      c.persist_timeout_us, c.pool_tick_us, c.control_plane_expiry_us AS expiry_us
    FROM worker_memory_interval AS m
    JOIN worker_state_interval AS w ON w.run_id = m.run_id AND w.worker = m.worker AND w.owner = m.control_plane AND w.state <> m.state
    JOIN run_config AS c ON c.run_id = m.run_id
    WHERE m.state <> 'forgotten'
      AND m.ts_us < w.ts_us + w.dur_us AND w.ts_us < m.ts_us + m.dur_us
      -- A reaper elsewhere may end a row; its owner learns that later, and rightly.
      AND (w.state NOT IN ('draining', 'retired', 'lost') OR m.ts_us > w.ts_us)
  ),
  split AS (
    SELECT * FROM pair WHERE ended_us > ts_us + persist_timeout_us + $grace_us OR (is_open AND ended_us > ts_us)
  ),
  alive AS (
    SELECT
      s.run_id, s.memory_event_id, s.event_id,
      min(h.ts_us) + min(s.pool_tick_us) AS proven_us, min_by(h.event_id, (h.ts_us, h.event_id)) AS life_event_id
    FROM split AS s
    JOIN life_sign AS h ON h.run_id = s.run_id AND h.control_plane = s.control_plane
      AND h.ts_us > s.ts_us + s.persist_timeout_us + $grace_us AND h.ts_us < s.ended_us
    GROUP BY s.run_id, s.memory_event_id, s.event_id
  )
SELECT
  s.run_id, 'worker' AS subject_kind, s.worker AS subject_id, s.ts_us, s.ended_us - s.ts_us AS dur_us, s.is_open,
  CASE WHEN s.ended_us > a.proven_us THEN 'found' ELSE 'pending' END AS verdict,
  [s.memory_event_id, s.event_id, a.life_event_id] AS evidence,
  s.control_plane, s.memory_state, s.state,
  s.vcpu * (s.ended_us - s.ts_us) / 1000000 AS cost_vcpu_seconds
FROM split AS s
LEFT JOIN alive AS a ON a.run_id = s.run_id AND a.memory_event_id = s.memory_event_id AND a.event_id = s.event_id
LEFT JOIN control_plane_life AS life ON life.run_id = s.run_id AND life.control_plane = s.control_plane
WHERE s.ended_us > a.proven_us OR (s.is_open AND s.ended_us - life.last_heartbeat_us <= s.expiry_us)
ORDER BY s.run_id, s.ts_us, subject_id, s.memory_event_id
