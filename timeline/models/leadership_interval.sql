-- Who led, from when to when.
--
-- A leadership goes from a lease that was acquired, or that the log begins in the middle of, to the first of: the holder gave
-- it up, another acquired the lease, the lease ran out. A holder that vanishes ends at its last renewal plus the lease's
-- duration; one that renews again after that leads anew. Where nobody says how long a lease lasts, it does not run out.
--
-- column run_id: the run
-- column lease: the lease
-- column holder: control plane that held it
-- column term: number of the leadership
-- column ts_us: when it began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column ended_by: lost, released, replaced, lapsed, or open
-- column event_id: the event that began it
-- column end_event_id: the event that ended it; null where the lease ran out or is open
-- column last_renewed_us: its last renewal that the store has
WITH
  said AS (
    SELECT
      e.run_id, subject_id AS lease, kind, kind IN ('lease.acquired', 'lease.renewed') AS is_hold, holder, term, at_us, position, event_id,
      coalesce(max(duration_us) OVER (PARTITION BY e.run_id, subject_id), lease_duration_us) AS patience_us
    FROM election_event AS e
    JOIN event_time USING (event_no)
    LEFT JOIN run_config ON run_config.run_id = e.run_id
  ),
  marked AS (
    SELECT
      *,
      CASE WHEN NOT is_hold OR (lag(is_hold) OVER leader AND coalesce(at_us - lag(at_us) OVER leader <= patience_us, true))
        THEN 0 ELSE 1 END AS is_new
    FROM said
    WHERE kind IN ('lease.acquired', 'lease.renewed', 'lease.lost', 'lease.released')
    WINDOW leader AS (PARTITION BY run_id, lease, holder, term ORDER BY position)
  ),
  numbered AS (
    SELECT *, sum(is_new) OVER leader AS reign
    FROM marked
    WINDOW leader AS (PARTITION BY run_id, lease, holder, term ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  reigns AS (
    SELECT
      run_id, lease, holder, term, min(at_us) AS ts_us, min(position) AS position, min_by(event_id, position) AS event_id,
      max(at_us) FILTER (WHERE is_hold) AS last_renewed_us,
      max(at_us) FILTER (WHERE is_hold) + max(patience_us) AS lapse_us,
      min(at_us) FILTER (WHERE NOT is_hold) AS left_us,
      min_by(kind, position) FILTER (WHERE NOT is_hold) AS left_kind,
      min_by(event_id, position) FILTER (WHERE NOT is_hold) AS left_event_id
    FROM numbered
    WHERE reign > 0
    GROUP BY run_id, lease, holder, term, reign
  ),
  ending AS (
    SELECT
      reigns.*, end_us,
      CASE WHEN lapse_us < end_us THEN lapse_us END AS lapsed_us,
      lead(ts_us) OVER heirs AS next_us,
      lead(event_id) OVER heirs AS next_event_id
    FROM reigns
    JOIN log_bounds ON log_bounds.run_id = reigns.run_id
    WINDOW heirs AS (PARTITION BY reigns.run_id, lease ORDER BY ts_us, position)
  ),
  ended AS (
    SELECT *, least(coalesce(left_us, end_us), coalesce(next_us, end_us), coalesce(lapsed_us, end_us)) AS until_us
    FROM ending
  )
SELECT
  run_id, lease, holder, term, ts_us,
  until_us - ts_us AS dur_us,
  left_us IS NULL AND next_us IS NULL AND lapsed_us IS NULL AS is_open,
  CASE
    WHEN left_us = until_us THEN CASE left_kind WHEN 'lease.lost' THEN 'lost' ELSE 'released' END
    WHEN next_us = until_us THEN 'replaced'
    WHEN lapsed_us = until_us THEN 'lapsed'
    ELSE 'open'
  END AS ended_by,
  event_id,
  CASE WHEN left_us = until_us THEN left_event_id WHEN next_us = until_us THEN next_event_id END AS end_event_id,
  last_renewed_us
FROM ended
