-- Worker ended by a reaper while a session ran on it, or while its own spawn was still within its time.
--
-- A reaper judges by the age of a row. When the row is stale but the work is alive, the reaper takes away what somebody is
-- using.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-09
-- source: duckgres pull 820, fix 4, and pulls 772, 403, 836; kubernetes-sigs/karpenter issue 3185
-- needs: worker_write
-- says: {origin} ended {subject} ({cause}) while {work} was alive on it for {age_us} already
-- column origin: which code path decided
-- column cause: the reason that it gave
-- column work: the session, or the spawn
-- column age_us: how long the work had been going on
-- impact: a session breaks off under its user, or a spawn is repeated for ever
-- diagnosis: `timeline show worker/ID`: which write was lost that would have told the reaper; compare timeout_order
-- mitigation: find out why the row was stale; until then raise the cutoff of the sweep that the origin names
WITH
  kill AS (
    SELECT
      k.run_id, k.subject_id AS worker, k.kind, k.origin, coalesce(k.reason, k.origin) AS cause, k.from_state, t.at_us, t.position,
      k.event_id
    FROM warm_pool_event AS k
    JOIN event_time AS t USING (event_no)
    WHERE k.kind IN ('worker.drain_started', 'worker.retired', 'worker.pod_deleted')
      AND (
        concat(k.reason, ' ', k.origin) LIKE '%stuck_%' OR concat(k.reason, ' ', k.origin) LIKE '%hot_idle_%'
        OR concat(k.reason, ' ', k.origin) LIKE '%orphan%' OR concat(k.reason, ' ', k.origin) LIKE '%mismatched_version%'
      )
  ),
  spawn AS (
    SELECT s.run_id, s.subject_id AS worker, s.incarnation AS control_plane, t.at_us, s.event_id, s.budget_us
    FROM worker_spawn_started AS s JOIN event_time AS t USING (event_no)
  ),
  failure AS (
    SELECT f.run_id, f.subject_id AS worker, t.at_us FROM worker_spawn_failed AS f JOIN event_time AS t USING (event_no)
  ),
  victim AS (
    SELECT
      k.*, s.control_plane, s.ts_us AS began_us, s.ts_us + s.dur_us AS ended_us, s.event_id AS work_event_id,
      concat('session ', s.session) AS work
    FROM kill AS k
    JOIN session_interval AS s ON s.run_id = k.run_id AND s.worker = k.worker AND s.ts_us < k.at_us AND s.ts_us + s.dur_us > k.at_us
    UNION ALL
    SELECT k.*, s.control_plane, s.at_us AS began_us, k.at_us AS ended_us, s.event_id AS work_event_id, 'its spawn' AS work
    FROM kill AS k
    JOIN spawn AS s ON s.run_id = k.run_id AND s.worker = k.worker AND s.at_us < k.at_us AND k.at_us < s.at_us + s.budget_us
    WHERE k.from_state = 'spawning' AND k.cause LIKE '%stuck_%'
      AND NOT EXISTS (SELECT 1 FROM failure AS f WHERE f.run_id = k.run_id AND f.worker = k.worker AND f.at_us <= k.at_us)
  )
SELECT
  v.run_id, 'worker' AS subject_kind, v.worker AS subject_id,
  v.at_us AS ts_us, v.ended_us - v.at_us AS dur_us, false AS is_open, 'found' AS verdict,
  [v.work_event_id, v.event_id] AS evidence,
  v.origin, v.cause, v.work, v.at_us - v.began_us AS age_us
FROM victim AS v
JOIN run_config AS c ON c.run_id = v.run_id
LEFT JOIN control_plane_life AS life ON life.run_id = v.run_id AND life.control_plane = v.control_plane
WHERE coalesce(life.drain_started_us + nullif(life.drain_bound_us, 0) > v.at_us, true)
  AND NOT EXISTS (
    SELECT 1 FROM life_sign AS s
    WHERE s.run_id = v.run_id AND s.control_plane = v.control_plane
      AND s.ts_us + c.control_plane_expiry_us <= v.at_us AND s.ts_us + s.dur_us >= v.at_us
  )
QUALIFY row_number() OVER (PARTITION BY v.run_id, v.worker, v.work_event_id ORDER BY v.at_us, v.position) = 1
ORDER BY v.run_id, ts_us, subject_id, v.work, evidence
