-- Why a session waits: where the time of its life goes, from its request to its end.
--
-- A step holds from its event on until the next one; a step without a reason ends the life. Reasons: `queue` at the tenant's
-- gate, `claim` while workers are counted and taken, `no_capacity` after a refusal, `back_off` between two tries, `spawn`,
-- `activation`, `running`, `lost_worker` from when its pod is gone, `lost_control_plane` from the last sign of life of the
-- control plane that serves it until somebody marks that as gone.
--
-- column run_id: the run
-- column workload_kind: session
-- column workload_id: the session
-- column reason: where its time goes from here on; null where its life ends
-- column at_us: from when on
-- column position: order among its steps of the same moment
-- column event_id: the event that says so
-- column waits_for: the tenant, as org/id, while it waits for one of its slots
WITH
  said AS (
    SELECT o.run_id, o.id AS session, e.kind, e.reason AS why, e.incarnation AS control_plane, at_us, position, e.event_id, a.id AS org
    FROM event_object AS o
    JOIN warm_pool_event AS e ON e.event_no = o.event_no
    JOIN event_time ON event_time.event_no = o.event_no
    LEFT JOIN event_object AS a ON a.event_no = o.event_no AND a.role = 'org'
    WHERE o.kind = 'session'
    UNION ALL
    SELECT e.run_id, session, 'worker.pod_gone' AS kind, NULL AS why, control_plane, at_us, position, e.event_id, NULL AS org
    FROM worker_pod_gone AS e
    JOIN event_time ON event_time.event_no = e.event_no
    JOIN session_interval AS s ON s.run_id = e.run_id AND s.worker = e.subject_id AND at_us >= s.ts_us AND at_us < s.ts_us + s.dur_us
  ),
  step AS (
    SELECT
      *,
      CASE
        WHEN kind = 'acquire.queued' THEN 'queue'
        WHEN kind = 'acquire.capacity_refused' OR kind = 'acquire.claim_missed' AND why = 'org_cap' THEN 'no_capacity'
        WHEN kind = 'acquire.claim_missed' AND why IN ('store_error', 'conflict') THEN 'back_off'
        WHEN kind IN ('acquire.gate_entered', 'acquire.claim_missed') THEN 'claim'
        WHEN kind IN ('worker.slot_created', 'worker.spawn_started') THEN 'spawn'
        WHEN kind IN ('worker.claimed', 'worker.spawned', 'worker.assigned', 'worker.activation_started') THEN 'activation'
        WHEN kind IN ('session.started', 'session.touched') THEN 'running'
        WHEN kind = 'worker.pod_gone' THEN 'lost_worker'
        WHEN kind IN (
          'acquire.failed', 'acquire.canceled', 'acquire.abandoned', 'session.ended', 'session.failed', 'session.reaped'
        ) THEN 'end'
      END AS phase,
      max(CASE WHEN kind = 'acquire.queued' THEN position END) OVER (PARTITION BY run_id, session) AS last_try,
      'org/' || min(org) OVER (PARTITION BY run_id, session) AS tenant
    FROM said
  ),
  last AS (
    SELECT
      run_id, session, max_by(control_plane, position) AS control_plane, max(at_us) AS at_us, max(position) AS position,
      max(CASE WHEN phase = 'end' AND position > coalesce(last_try, 0) THEN 1 ELSE 0 END) = 1 AS is_ended
    FROM step
    WHERE phase IS NOT NULL
    GROUP BY run_id, session
  )
SELECT
  run_id, 'session' AS workload_kind, session AS workload_id,
  CASE WHEN phase = 'end' AND position < coalesce(last_try, 0) THEN 'back_off' WHEN phase <> 'end' THEN phase END AS reason,
  at_us, position, event_id,
  CASE WHEN phase IN ('queue', 'claim', 'no_capacity', 'back_off') OR phase = 'end' AND position < last_try THEN tenant END AS waits_for
FROM step
WHERE phase IS NOT NULL
UNION ALL
SELECT
  last.run_id, 'session' AS workload_kind, session AS workload_id, 'lost_control_plane' AS reason,
  greatest(at_us, coalesce(last_heartbeat_us, at_us)) AS at_us, position + 1 AS position, last_heartbeat_event_id AS event_id, NULL
FROM last
JOIN control_plane_life AS life ON life.run_id = last.run_id AND life.control_plane = last.control_plane
WHERE NOT is_ended AND stopped_us IS NULL AND expired_us IS NOT NULL
UNION ALL
SELECT
  last.run_id, 'session' AS workload_kind, session AS workload_id, NULL AS reason,
  greatest(at_us, coalesce(stopped_us, expired_us)) AS at_us, position + 2 AS position,
  coalesce(stop_event_id, expired_event_id) AS event_id, NULL AS waits_for
FROM last
JOIN control_plane_life AS life ON life.run_id = last.run_id AND life.control_plane = last.control_plane
WHERE NOT is_ended AND (stopped_us IS NOT NULL OR expired_us IS NOT NULL)
