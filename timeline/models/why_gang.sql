-- Why a gang waits: where the time of its life goes, from its submission until its last member has ended.
--
-- A step holds from its event on until the next one; a step without a reason ends the life. Reasons: `queue` until an admission
-- tick has looked at it, `no_capacity` and `back_off` after what the last tick said, `reservation_wait` until the first member is
-- claimed, `gang_peer_missing` while some members run or have ended and others cannot begin, `running`, `lost_worker` while a member
-- that should run is silent, `draining`, `preempted` when all have stopped and the reaper has still to end the round, and
-- `lock_not_held` where it waits for a tick and the loop stands still.
--
-- column run_id: the run
-- column workload_kind: gang
-- column workload_id: the gang
-- column reason: where its time goes from here on; null where its life ends
-- column at_us: from when on
-- column position: order among its steps of the same moment
-- column event_id: the event that says so
WITH
  -- What lasts for a while beside the mix of states: a silent member, a loop that stands still.
  trouble AS (
    SELECT run_id, gang, ts_us, dur_us, is_open, event_id, end_event_id, 'silent' AS trouble
    FROM job_silence
    WHERE gang IS NOT NULL
    UNION ALL
    SELECT s.run_id, g.gang, s.ts_us, s.dur_us, s.is_open, s.event_id, s.end_event_id, s.loop AS trouble
    FROM loop_stall AS s
    JOIN (SELECT DISTINCT run_id, gang FROM gang_census) AS g ON g.run_id = s.run_id
  ),
  fact AS (
    SELECT
      e.run_id, subject_id AS gang, at_us, CASE kind WHEN 'gang.submitted' THEN 0 ELSE 3 END AS position, event_id,
      CASE kind WHEN 'gang.submitted' THEN 'queue' END AS phase,
      CASE kind WHEN 'gang.admission_refused' THEN 'no_capacity' WHEN 'gang.reserve_missed' THEN 'back_off' END AS verdict,
      NULL AS trouble, 0 AS edge
    FROM gang_event AS e
    JOIN event_time ON event_time.event_no = e.event_no
    WHERE kind IN ('gang.submitted', 'gang.admission_refused', 'gang.reserve_missed')
    UNION ALL
    SELECT
      run_id, gang, ts_us AS at_us, 2 AS position, event_id,
      CASE
        WHEN preempting > 0 OR preempted > 0 AND running > 0 THEN 'draining'
        WHEN preempted > 0 THEN 'preempted'
        WHEN pending + blocked + reserved + running = 0 THEN 'end'
        WHEN running > 0 AND pending + blocked + reserved = 0 THEN 'running'
        WHEN running + done + failed > 0 THEN 'gang_peer_missing'
        WHEN reserved > 0 THEN 'reservation_wait'
        ELSE 'queue'
      END AS phase,
      NULL AS verdict, NULL AS trouble, 0 AS edge
    FROM gang_census
    UNION ALL
    SELECT run_id, gang, ts_us AS at_us, 4 AS position, event_id, NULL AS phase, NULL AS verdict, trouble, 1 AS edge FROM trouble
    UNION ALL
    SELECT run_id, gang, ts_us + dur_us AS at_us, 1 AS position, end_event_id, NULL AS phase, NULL AS verdict, trouble, -1 AS edge
    FROM trouble
    WHERE NOT is_open
  ),
  carried AS (
    SELECT
      *,
      last_value(phase IGNORE NULLS) OVER so_far AS state,
      sum(CASE WHEN phase IS NULL THEN 0 ELSE 1 END) OVER so_far AS turn,
      sum(CASE WHEN trouble = 'silent' THEN edge ELSE 0 END) OVER so_far AS silent,
      sum(CASE WHEN trouble = 'admission' THEN edge ELSE 0 END) OVER so_far AS admission_stalled,
      sum(CASE WHEN trouble = 'reaper' THEN edge ELSE 0 END) OVER so_far AS reaper_stalled
    FROM fact
    WINDOW so_far AS (PARTITION BY run_id, gang ORDER BY at_us, position, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  )
SELECT
  run_id, 'gang' AS workload_kind, gang AS workload_id,
  CASE
    WHEN state = 'end' THEN NULL
    WHEN state = 'running' AND silent > 0 THEN 'lost_worker'
    WHEN state = 'queue' AND admission_stalled > 0 OR state = 'preempted' AND reaper_stalled > 0 THEN 'lock_not_held'
    WHEN state = 'queue' THEN coalesce(last_value(verdict IGNORE NULLS) OVER so_far, 'queue')
    ELSE state
  END AS reason,
  at_us, position, event_id
FROM carried
WHERE state IS NOT NULL
WINDOW so_far AS (PARTITION BY run_id, gang, turn ORDER BY at_us, position, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
