-- Phases of a barrier: its members gather, all are ready and wait, they are released and run.
--
-- Waiting and stuck look alike; how long each phase lasted tells them apart.
--
-- column run_id: the run
-- column barrier: the barrier
-- column state: gathering, ready, released
-- column ts_us: when it began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column event_id: the event that began it
WITH
  phase AS (
    SELECT run_id, barrier, 'gathering' AS state, 1 AS place, ts_us AS at_us, event_id FROM barrier_round
    UNION ALL
    SELECT run_id, barrier, 'ready', 2, all_ready_us, last_ready_event_id FROM barrier_round WHERE all_ready_us IS NOT NULL
    UNION ALL
    SELECT run_id, barrier, 'released', 3, first_acked_us, first_ack_event_id FROM barrier_round WHERE first_acked_us IS NOT NULL
  ),
  -- A phase cannot begin before the one that it follows: clocks of members are known to some milliseconds only.
  placed AS (
    SELECT
      phase.run_id, phase.barrier, phase.state, phase.place, phase.event_id, r.is_open, r.ts_us + r.dur_us AS closed_us,
      max(phase.at_us) OVER (
        PARTITION BY phase.run_id, phase.barrier ORDER BY phase.place, phase.event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS at_us
    FROM phase
    JOIN barrier_round AS r ON r.run_id = phase.run_id AND r.barrier = phase.barrier
  ),
  followed AS (
    SELECT *, lead(at_us) OVER (PARTITION BY run_id, barrier ORDER BY place, event_id) AS next_us FROM placed
  )
SELECT
  run_id, barrier, state, at_us AS ts_us, greatest(coalesce(next_us, closed_us) - at_us, 0) AS dur_us,
  next_us IS NULL AND is_open AS is_open, event_id
FROM followed
