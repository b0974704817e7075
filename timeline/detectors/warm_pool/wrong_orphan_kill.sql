-- Worker ended as an orphan while its owner was alive.
--
-- An orphan sweep may take a worker only when its owner has been silent for longer than its expiry. One that judges by
-- anything else kills healthy peers' workers, with what runs on them.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-43
-- source: duckgres pulls 403, 407, 408, 415 (start-up sweeps, draining peers, ids parsed wrongly)
-- needs: worker_write, life_sign
-- says: {origin} ended {subject} as an orphan {age_us} after a heartbeat of its owner {control_plane}
-- column origin: which code path decided
-- column control_plane: the owner
-- column age_us: age of the owner's last sign of life
-- impact: sessions break off, workers are made again, and two versions may kill each other's workers in turn
-- diagnosis: what had the decision read about the owner, and how old was it; `timeline show worker/ID`
-- mitigation: turn the orphan sweep off on the control planes that the actor names
WITH
  kill AS (
    SELECT k.run_id, k.subject_id AS worker, k.owner, k.origin, t.at_us, t.position, k.event_id
    FROM warm_pool_event AS k
    JOIN event_time AS t USING (event_no)
    WHERE k.kind IN ('worker.retired', 'worker.drain_started') AND (k.origin LIKE '%_orphan' OR k.reason = 'orphaned')
  ),
  fresh AS (
    SELECT k.*, s.event_id AS life_event_id, k.at_us - s.ts_us AS age_us
    FROM kill AS k
    JOIN run_config AS c ON c.run_id = k.run_id
    JOIN life_sign AS s ON s.run_id = k.run_id AND s.control_plane = k.owner AND s.event_id IS NOT NULL
      AND s.ts_us <= k.at_us AND k.at_us < s.ts_us + c.control_plane_expiry_us AND (s.ts_us + s.dur_us > k.at_us OR s.is_open)
  )
SELECT
  f.run_id, 'worker' AS subject_kind, f.worker AS subject_id,
  f.at_us AS ts_us, 0 AS dur_us, false AS is_open, 'found' AS verdict, [f.life_event_id, f.event_id] AS evidence,
  f.origin, f.owner AS control_plane, f.age_us
FROM fresh AS f
LEFT JOIN control_plane_life AS life ON life.run_id = f.run_id AND life.control_plane = f.owner
WHERE coalesce(life.expired_us, life.stopped_us, f.at_us + 1) > f.at_us
  AND coalesce(life.stopped_us, f.at_us + 1) > f.at_us
QUALIFY row_number() OVER (PARTITION BY f.run_id, f.worker ORDER BY f.at_us, f.position) = 1
ORDER BY f.run_id, ts_us, subject_id, evidence
