-- Slot of a failed spawn that nobody gave back.
--
-- A slot counts against its tenant's cap from the moment it is made. When the spawn fails and the row stays `spawning`,
-- the tenant has one worker less until a sweep finds the row, minutes later.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-11
-- source: duckgres pull 820, fix 5; actions/actions-runner-controller issue 3685
-- needs: worker_state_interval, life_sign
-- says: the spawn of {subject} failed ({cause}) and its slot of {org} was kept for {dur_us}
-- param grace_us: 1000000 time past a tick, a call and a write before it counts
-- column cause: why the spawn failed
-- column org: tenant whose cap the slot counts against
-- impact: the tenant is refused workers that its cap would allow
-- diagnosis: `timeline show worker/ID`: after worker.spawn_failed no worker.slot_freed follows
-- mitigation: retire the row by hand; acquires go on at once
WITH
  failure AS (
    SELECT
      f.run_id, f.subject_id AS worker, coalesce(f.reason, 'no reason given') AS cause, t.at_us, f.event_id, w.org, w.owner, w.is_open,
      w.ts_us + w.dur_us AS ended_us, w.event_id AS slot_event_id,
      t.at_us + c.tick_us + c.call_timeout_us + c.persist_timeout_us + $grace_us AS due_us,
      c.call_timeout_us + c.persist_timeout_us AS catch_up_us, c.control_plane_expiry_us AS expiry_us
    FROM worker_spawn_failed AS f
    JOIN event_time AS t USING (event_no)
    JOIN run_config AS c ON c.run_id = f.run_id
    JOIN worker_state_interval AS w ON w.run_id = f.run_id AND w.worker = f.subject_id AND w.state = 'spawning'
      AND w.ts_us <= t.at_us AND w.ts_us + w.dur_us >= t.at_us
  ),
  alive AS (
    SELECT f.run_id, f.event_id, min(s.ts_us + f.catch_up_us) AS proven_us, min_by(s.event_id, (s.ts_us, s.event_id)) AS life_event_id
    FROM failure AS f
    JOIN life_sign AS s ON s.run_id = f.run_id AND s.control_plane = f.owner AND s.ts_us > f.due_us
    GROUP BY f.run_id, f.event_id
  ),
  -- Somebody tries to give it back, and the store refuses.
  tried AS (
    SELECT DISTINCT f.run_id, f.event_id
    FROM failure AS f
    JOIN worker_commit_failed AS k ON k.run_id = f.run_id AND k.subject_id = f.worker
    JOIN event_time AS t ON t.event_no = k.event_no AND t.at_us >= f.at_us AND t.at_us <= f.due_us
  )
SELECT
  f.run_id, 'worker' AS subject_kind, f.worker AS subject_id, f.at_us AS ts_us, f.ended_us - f.at_us AS dur_us, f.is_open,
  CASE WHEN f.ended_us > a.proven_us THEN 'found' ELSE 'pending' END AS verdict,
  [f.event_id, f.slot_event_id, a.life_event_id] AS evidence,
  f.cause, f.org
FROM failure AS f
LEFT JOIN alive AS a ON a.run_id = f.run_id AND a.event_id = f.event_id
LEFT JOIN control_plane_life AS life ON life.run_id = f.run_id AND life.control_plane = f.owner
WHERE (f.ended_us > a.proven_us OR (f.is_open AND f.ended_us - life.last_heartbeat_us <= f.expiry_us))
  AND NOT EXISTS (SELECT 1 FROM tried WHERE tried.run_id = f.run_id AND tried.event_id = f.event_id)
QUALIFY row_number() OVER (PARTITION BY f.run_id, f.worker, f.slot_event_id ORDER BY f.at_us, f.event_id) = 1
ORDER BY f.run_id, f.at_us, subject_id, evidence
