-- Why a replica waits: where the time of its life goes, from its creation to its deletion.
--
-- A step holds from its event on until the next one; a step without a reason ends the life. While a replica is pending the last word
-- about it counts: `queue` before any, and again when a back-off is over; `quota_exceeded`; `stale_cache` where a cache said so and
-- the quota had room; `no_node` with room; `back_off` after a try that did not work; `binding` once room is reserved; and `no_leader`
-- while nobody leads. Then `starting` on its node, and `running`. `unknown` where the log lacks its head and does not say how it stands.
--
-- column run_id: the run
-- column workload_kind: replica
-- column workload_id: the replica
-- column reason: where its time goes from here on; null where its life ends
-- column at_us: from when on
-- column position: order among its steps of the same moment
-- column event_id: the event that says so
-- column waits_for: the quota whose room it waits for, or the lease that nobody holds
-- column detail: who took the last slot, what a cache had read, what hindered a try, where it starts
WITH
  -- While nobody leads of those that look at the queue.
  gap AS (
    SELECT DISTINCT g.run_id, g.lease, replica, g.ts_us, g.ts_us + g.dur_us AS until_us, g.is_open, g.event_id, g.end_event_id
    FROM leader_gap AS g
    JOIN scheduler_ticked AS t ON t.run_id = g.run_id AND t.subject_id = g.holder
    JOIN replica_word AS w ON w.run_id = g.run_id AND w.phase = 'pending' AND w.at_us < g.ts_us + g.dur_us
  ),
  fact AS (
    SELECT run_id, replica, at_us, position, event_id, quota, phase, verdict, detail, NULL AS lease, 0 AS edge
    FROM replica_word
    UNION ALL
    SELECT run_id, replica, due_us AS at_us, position, event_id, quota, NULL, 'queue', NULL, NULL, 0
    FROM replica_word
    WHERE due_us IS NOT NULL
    UNION ALL
    SELECT run_id, replica, ts_us AS at_us, 0 AS position, event_id, NULL, NULL, NULL, NULL, lease, 1
    FROM gap
    UNION ALL
    SELECT run_id, replica, until_us AS at_us, -1 AS position, end_event_id, NULL, NULL, NULL, NULL, lease, -1
    FROM gap
    WHERE NOT is_open
  ),
  carried AS (
    SELECT
      run_id, replica, at_us, position, event_id, phase, verdict, detail,
      min(quota) OVER (PARTITION BY run_id, replica) AS quota, last_value(lease IGNORE NULLS) OVER so_far AS lease,
      coalesce(last_value(phase IGNORE NULLS) OVER so_far, 'unknown') AS state,
      sum(CASE WHEN phase IS NULL THEN 0 ELSE 1 END) OVER so_far AS turn,
      coalesce(last_value(CASE verdict WHEN 'reserved' THEN 1 WHEN 'released' THEN 0 END IGNORE NULLS) OVER so_far, 0) = 1 AS is_reserved,
      sum(edge) OVER so_far > 0 AS is_leaderless, sum(1 - abs(edge)) OVER so_far > 0 AS is_known
    FROM fact
    WINDOW so_far AS (PARTITION BY run_id, replica ORDER BY at_us, position, event_id ROWS UNBOUNDED PRECEDING)
  ),
  spoken AS (
    SELECT
      run_id, replica, at_us, position, event_id, quota, state, is_reserved, lease, is_leaderless,
      last_value(verdict IGNORE NULLS) OVER so_far AS word,
      last_value(CASE WHEN phase IS NOT NULL OR verdict IS NOT NULL THEN coalesce(detail, '') END IGNORE NULLS) OVER so_far AS detail
    FROM carried
    WHERE is_known
    WINDOW so_far AS (PARTITION BY run_id, replica, turn ORDER BY at_us, position, event_id ROWS UNBOUNDED PRECEDING)
  ),
  named AS (
    SELECT
      *,
      CASE
        WHEN state = 'gone' THEN NULL
        WHEN state <> 'pending' THEN CASE state WHEN 'bound' THEN 'starting' ELSE state END
        WHEN is_leaderless THEN 'no_leader'
        WHEN is_reserved AND coalesce(word, 'queue') IN ('queue', 'reserved') THEN 'binding'
        WHEN word IN ('quota_exceeded', 'stale_cache', 'no_node', 'back_off') THEN word
        ELSE 'queue'
      END AS reason
    FROM spoken
  )
SELECT
  run_id, 'replica' AS workload_kind, replica AS workload_id, reason, at_us, position, event_id,
  CASE
    WHEN reason = 'no_leader' THEN 'lease/' || lease
    WHEN reason IN ('queue', 'quota_exceeded', 'stale_cache') OR reason = 'back_off' AND NOT is_reserved THEN 'quota/' || quota
  END AS waits_for,
  CASE WHEN reason <> 'no_leader' THEN nullif(detail, '') END AS detail
FROM named
