-- When nobody held a lease, between one holder and the next.
--
-- What was before the first holder that the log knows is not here: nobody knows whether there was another.
--
-- column run_id: the run
-- column lease: the lease
-- column holder: who held it before
-- column ts_us: when that holder's leadership ended
-- column dur_us: how long nobody held it; until the log ends where it is open
-- column is_open: nobody in the log holds it again
-- column event_id: the event that ended it; where it ran out, the one that began it
-- column end_event_id: the event that began the next leadership
WITH
  heirs AS (
    SELECT
      run_id, lease, holder, is_open, ts_us + dur_us AS since_us, coalesce(end_event_id, event_id) AS event_id,
      lead(ts_us) OVER heirs AS until_us, lead(event_id) OVER heirs AS end_event_id
    FROM leadership_interval
    WINDOW heirs AS (PARTITION BY run_id, lease ORDER BY ts_us, event_id)
  )
SELECT
  heirs.run_id, lease, holder, since_us AS ts_us, coalesce(until_us, end_us) - since_us AS dur_us, until_us IS NULL AS is_open,
  event_id, end_event_id
FROM heirs
JOIN log_bounds ON log_bounds.run_id = heirs.run_id
WHERE NOT heirs.is_open AND coalesce(until_us, end_us) > since_us
