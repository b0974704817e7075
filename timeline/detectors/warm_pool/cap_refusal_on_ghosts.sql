-- Tenant refused a worker because of workers that do not exist.
--
-- A refusal lists what it counted. When one of those is a spawn that had failed, a row that had ended, or a worker whose
-- owner is gone, the tenant pays with its cap for something that serves nobody.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-12
-- source: duckgres pull 820, fix 5; actions/actions-runner-controller issues 3685 and 4258
-- needs: worker_state_interval, life_sign
-- says: {org} was refused {refusals} times with {subject} among the counted, although {cause} {age_us} before the first
-- param grace_us: 1000000 time past a tick, a call and a write before it counts
-- column org: the tenant
-- column cause: why the worker is a ghost
-- column age_us: how long it had been one at the first refusal
-- column refusals: refusals that counted it
-- impact: users wait or fail although the cap has room
-- diagnosis: `timeline show worker/ID` tells how it became a ghost; spawn_slot_leak and orphan_owner name the usual two
-- mitigation: retire the row by hand
WITH
  refusal AS (
    SELECT r.run_id, r.org, o.id AS worker, t.at_us, r.event_id,
      c.tick_us + c.call_timeout_us + c.persist_timeout_us + $grace_us AS allowed_us,
      c.control_plane_expiry_us + c.orphan_grace_us AS orphan_us, c.lease_duration_us + c.lease_retry_us + c.tick_us AS failover_us
    FROM acquire_capacity_refused AS r
    JOIN event_time AS t USING (event_no)
    JOIN event_object AS o ON o.event_no = r.event_no AND o.role = 'counted' AND o.kind = 'worker'
    JOIN run_config AS c ON c.run_id = r.run_id
  ),
  counted AS (
    SELECT r.*, w.state, w.owner, w.ts_us, w.event_id AS row_event_id
    FROM refusal AS r
    JOIN worker_state_interval AS w ON w.run_id = r.run_id AND w.worker = r.worker AND w.ts_us <= r.at_us
      AND (w.ts_us + w.dur_us > r.at_us OR w.is_open)
  ),
  failure AS (
    SELECT run_id, subject_id AS worker, at_us AS failed_us, event_id AS failed_event_id FROM worker_spawn_failed
    JOIN event_time USING (event_no, run_id)
  ),
  ghost AS (
    SELECT c.*, 'its spawn had failed' AS cause, f.failed_us AS since_us, f.failed_event_id AS ghost_event_id
    FROM counted AS c
    JOIN failure AS f ON f.run_id = c.run_id AND f.worker = c.worker AND f.failed_us + c.allowed_us < c.at_us
    WHERE c.state = 'spawning'
    UNION ALL
    SELECT c.*, 'its row had ended' AS cause, c.ts_us AS since_us, c.row_event_id AS ghost_event_id
    FROM counted AS c
    WHERE c.state IN ('retired', 'lost') AND c.ts_us + c.allowed_us < c.at_us
    UNION ALL
    SELECT c.*, 'its owner had gone silent' AS cause, s.ts_us AS since_us, coalesce(s.event_id, c.row_event_id) AS ghost_event_id
    FROM counted AS c
    JOIN life_sign AS s ON s.run_id = c.run_id AND s.control_plane = c.owner AND s.ts_us + s.dur_us >= c.at_us
      AND s.ts_us + c.orphan_us + c.failover_us + c.allowed_us < c.at_us
    WHERE c.state NOT IN ('retired', 'lost')
  )
SELECT
  run_id, 'worker' AS subject_kind, worker AS subject_id, at_us AS ts_us,
  max(at_us) OVER (PARTITION BY run_id, worker, cause) - at_us AS dur_us, false AS is_open, 'found' AS verdict,
  [event_id, ghost_event_id] AS evidence,
  org, cause, at_us - since_us AS age_us,
  count(*) OVER (PARTITION BY run_id, worker, cause) AS refusals
FROM ghost
QUALIFY row_number() OVER (PARTITION BY run_id, worker, cause ORDER BY at_us, event_id, since_us, ghost_event_id) = 1
ORDER BY run_id, ts_us, subject_id, cause, evidence
