-- Why a job waits: where the time of its life goes, from its submission to its end.
--
-- A step holds from its event on until the next one; a step without a reason ends the life. Reasons by the state of its row:
-- `queue` while pending and a worker is idle, `no_capacity` while pending and none is, `dependency` while blocked, `reservation_wait`,
-- `running`, `draining` while it is to stop, `preempted` when it has stopped and the round goes on. A blocked member waits for what its
-- gang waits for; `gang_peer_missing` is a member whose peers do not all run as well. `lost_worker` should run and is silent.
--
-- column run_id: the run
-- column workload_kind: job
-- column workload_id: the job
-- column reason: where its time goes from here on; null where its life ends
-- column at_us: from when on
-- column position: order among its steps of the same moment
-- column event_id: the event that says so
-- column waits_for: fleet/all workers, while it waits for one of them
WITH
  -- What lasts for a while beside the state of its row: its silence, a fleet without an idle worker.
  trouble AS (
    SELECT run_id, job, ts_us, dur_us, is_open, event_id, end_event_id, 'silent' AS trouble
    FROM job_silence
    UNION ALL
    -- Once for each stretch, however often the job was pending in it.
    SELECT DISTINCT j.run_id, j.job, f.ts_us, f.dur_us, f.is_open, f.event_id, f.end_event_id, 'full' AS trouble
    FROM no_idle_worker AS f
    JOIN job_state_interval AS j
      ON j.run_id = f.run_id AND j.state = 'pending' AND f.ts_us < j.ts_us + j.dur_us AND f.ts_us + f.dur_us > j.ts_us
  ),
  fact AS (
    SELECT run_id, job, ts_us AS at_us, 1 AS position, event_id, state, gang, NULL AS gang_reason, NULL AS trouble, 0 AS edge
    FROM job_state_interval
    UNION ALL
    SELECT
      w.run_id, j.job, at_us, 2 + position AS position, event_id, NULL AS state, NULL AS gang, reason AS gang_reason,
      NULL AS trouble, 0 AS edge
    FROM why_gang AS w
    JOIN (SELECT DISTINCT run_id, gang, job FROM job_write) AS j ON j.run_id = w.run_id AND j.gang = w.workload_id
    UNION ALL
    SELECT run_id, job, ts_us AS at_us, 9 AS position, event_id, NULL AS state, NULL AS gang, NULL AS gang_reason, trouble, 1 AS edge
    FROM trouble
    UNION ALL
    SELECT
      run_id, job, ts_us + dur_us AS at_us, 0 AS position, end_event_id AS event_id, NULL AS state, NULL AS gang, NULL AS gang_reason,
      trouble, -1 AS edge
    FROM trouble
    WHERE NOT is_open
  ),
  carried AS (
    SELECT
      run_id, job, at_us, position, event_id,
      last_value(state IGNORE NULLS) OVER so_far AS state,
      last_value(gang IGNORE NULLS) OVER so_far AS gang,
      last_value(gang_reason IGNORE NULLS) OVER so_far AS gang_reason,
      sum(CASE WHEN trouble = 'silent' THEN edge ELSE 0 END) OVER so_far AS silent,
      sum(CASE WHEN trouble = 'full' THEN edge ELSE 0 END) OVER so_far AS fleet_full
    FROM fact
    WINDOW so_far AS (PARTITION BY run_id, job ORDER BY at_us, position, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  )
SELECT
  run_id, 'job' AS workload_kind, job AS workload_id,
  CASE
    WHEN state IN ('done', 'failed') THEN NULL
    WHEN state = 'pending' THEN CASE WHEN fleet_full > 0 THEN 'no_capacity' ELSE 'queue' END
    WHEN state = 'reserved' THEN 'reservation_wait'
    WHEN state = 'preempting' THEN 'draining'
    WHEN state = 'preempted' THEN CASE gang_reason WHEN 'lock_not_held' THEN gang_reason ELSE 'preempted' END
    WHEN state = 'running' AND silent > 0 THEN 'lost_worker'
    WHEN state = 'running' AND gang_reason IN ('gang_peer_missing', 'reservation_wait', 'lost_worker') THEN 'gang_peer_missing'
    WHEN state = 'running' THEN 'running'
    WHEN gang IS NULL THEN 'dependency'
    WHEN gang_reason IN ('running', 'reservation_wait', 'lost_worker') THEN 'gang_peer_missing'
    WHEN gang_reason = 'preempted' THEN 'draining'
    ELSE coalesce(gang_reason, 'queue')
  END AS reason,
  at_us, position, event_id,
  CASE
    WHEN state = 'pending' OR state = 'blocked' AND gang IS NOT NULL AND coalesce(gang_reason IN ('queue', 'no_capacity', 'back_off'), true)
    THEN 'fleet/all workers'
  END AS waits_for
FROM carried
WHERE state IS NOT NULL
