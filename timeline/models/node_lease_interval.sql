-- Which node held a lease, from when to when.
--
-- A lease goes from its grant, or the first refresh that was seen, until the store ends it. One that a node took up again in
-- time goes on.
--
-- column run_id: the run
-- column node: the node
-- column term: number of the lease among those of the node
-- column ttl_us: how long it is good for after each refresh
-- column ts_us: when it began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column ended_by: expired, replaced, or open
-- column event_id: the event that began it
-- column end_event_id: the event that ended it
-- column last_refreshed_us: its last refresh
-- column last_refreshed_event_id: the event of that
-- column next_us: when the node's next lease began; null where the log has none
WITH
  said AS (
    SELECT e.run_id, subject_id AS node, kind, term, ttl_us, at_us, position, event_id
    FROM placement_event AS e
    JOIN event_time USING (event_no)
    WHERE kind IN ('node.lease_granted', 'node.lease_refreshed', 'node.lease_extended', 'node.lease_expired')
  ),
  lease AS (
    SELECT
      run_id, node, term, max(ttl_us) AS ttl_us,
      coalesce(min(at_us) FILTER (WHERE kind <> 'node.lease_expired'), min(at_us)) AS ts_us,
      coalesce(min_by(event_id, position) FILTER (WHERE kind <> 'node.lease_expired'), min_by(event_id, position)) AS event_id,
      max(at_us) FILTER (WHERE kind <> 'node.lease_expired') AS last_refreshed_us,
      max_by(event_id, position) FILTER (WHERE kind <> 'node.lease_expired') AS last_refreshed_event_id,
      min(at_us) FILTER (WHERE kind = 'node.lease_expired') AS expired_us,
      min_by(event_id, position) FILTER (WHERE kind = 'node.lease_expired') AS expired_event_id
    FROM said
    GROUP BY run_id, node, term
  ),
  followed AS (
    SELECT
      *,
      lead(ts_us) OVER terms AS next_us,
      lead(event_id) OVER terms AS next_event_id
    FROM lease
    WINDOW terms AS (PARTITION BY run_id, node ORDER BY term, event_id)
  )
SELECT
  f.run_id, node, term, ttl_us,
  ts_us,
  coalesce(expired_us, next_us, end_us) - ts_us AS dur_us,
  expired_us IS NULL AND next_us IS NULL AS is_open,
  CASE WHEN expired_us IS NOT NULL THEN 'expired' WHEN next_us IS NOT NULL THEN 'replaced' ELSE 'open' END AS ended_by,
  event_id,
  coalesce(expired_event_id, next_event_id) AS end_event_id,
  last_refreshed_us, last_refreshed_event_id, next_us
FROM followed AS f
JOIN log_bounds ON log_bounds.run_id = f.run_id
