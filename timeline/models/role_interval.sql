-- What was started, until its end.
--
-- A thing that is started again has not been ended before. One whose scope is closed should have been ended by then, and an end that
-- comes after that comes too late. Where events of one moment have no order, nothing is made of their order.
--
-- column run_id: the run
-- column activity: the activity
-- column thing_kind: sort of the thing
-- column thing: the thing
-- column holder: who runs it; null where nobody is named
-- column role: started or opened
-- column ts_us: when it was started
-- column dur_us: how long it went on; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column ended_by: ended, started_again, or open
-- column closed_us: when its scope was closed, where that came before its end
-- column is_sure: its events stand in a certain order
-- column event_id: the event that started it
-- column end_event_id: the event that ended it, or started it again
-- column closed_event_id: the event that closed its scope
WITH
  said AS (
    SELECT
      *,
      NOT is_ordered AND min(role) OVER (PARTITION BY run_id, activity, thing_kind, thing, at_us) = 'ended'
        AND max(role) OVER (PARTITION BY run_id, activity, thing_kind, thing, at_us) <> 'ended' AS is_mixed
    FROM role_event
    WHERE role IN ('started', 'opened', 'ended')
  ),
  paired AS (
    SELECT
      *,
      lead(role) OVER own AS next_role, lead(at_us) OVER own AS next_us, lead(position) OVER own AS next_position,
      lead(event_id) OVER own AS next_event_id, coalesce(lead(is_mixed) OVER own, false) AS is_next_mixed
    FROM said
    WINDOW own AS (PARTITION BY run_id, activity, thing_kind, thing ORDER BY position, event_id)
  ),
  closing AS (
    SELECT
      p.run_id, p.activity, p.event_id, min(c.at_us) AS closed_us, min_by(c.event_id, c.position) AS closed_event_id
    FROM paired AS p
    JOIN role_event AS c ON c.run_id = p.run_id AND c.activity = p.activity AND c.scope = p.scope AND c.role = 'closed'
      AND c.at_us >= p.at_us AND c.position > p.position
    WHERE p.role <> 'ended' AND (p.next_us IS NULL OR (p.next_role = 'ended' AND c.at_us < p.next_us))
    GROUP BY p.run_id, p.activity, p.event_id
  )
SELECT
  p.run_id, p.activity, p.thing_kind, p.thing, p.holder, p.role,
  p.at_us AS ts_us, coalesce(p.next_us, b.end_us) - p.at_us AS dur_us, p.next_us IS NULL AS is_open,
  CASE WHEN p.next_role IS NULL THEN 'open' WHEN p.next_role = 'ended' THEN 'ended' ELSE 'started_again' END AS ended_by,
  c.closed_us, NOT p.is_mixed AND NOT p.is_next_mixed AS is_sure,
  p.event_id, p.next_event_id AS end_event_id, c.closed_event_id
FROM paired AS p
JOIN log_bounds AS b ON b.run_id = p.run_id
LEFT JOIN closing AS c ON c.run_id = p.run_id AND c.activity = p.activity AND c.event_id = p.event_id
WHERE p.role <> 'ended'
