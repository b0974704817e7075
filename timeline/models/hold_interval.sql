-- Who held an exclusive thing: for certain, and at most.
--
-- A hold is certain from the answer that granted it to the holder's own first question to release it. It is possible from the
-- question to the answer of the release, or that the holder does not hold it. One that has to be renewed ends when it was not.
--
-- column run_id: the run
-- column activity: the activity
-- column thing_kind: sort of the thing
-- column thing: the thing
-- column holder: who held it
-- column ts_us: from when it was held for certain
-- column position: place of that event in the run
-- column sure_until_us: until when it was held for certain; null while it lasts
-- column sure_until_position: place of that event; null where the hold lapsed or lasts
-- column maybe_from_position: place of the first event at which it may have been held
-- column maybe_from_us: time of that event
-- column maybe_until_us: until when it may have been held; null while it lasts
-- column maybe_until_position: place of that event; null where the hold lapsed or lasts
-- column ended_by: released, release_refused, acquired (again), lapsed, or open
-- column is_ordered: events of one moment are in order
-- column event_id: the event that granted it
-- column end_event_id: the event that ended it for certain
WITH
  said AS (
    SELECT
      r.*, r.role IN ('acquired', 'renewed') AS is_hold, r.role IN ('released', 'release_refused') AS is_answer,
      w.renewed_within_us AS lasts_us
    FROM role_event AS r
    LEFT JOIN role_within AS w ON w.run_id = r.run_id AND w.activity = r.activity
    WHERE r.role IN ('acquired', 'renewed', 'release_attempted', 'released', 'release_refused')
  ),
  marked AS (
    SELECT
      *,
      CASE
        WHEN NOT is_hold OR (role = 'renewed' AND lag(is_hold) OVER own AND coalesce(at_us - lag(at_us) OVER own <= lasts_us, true)) THEN 0
        ELSE 1
      END AS is_new
    FROM said
    WINDOW own AS (PARTITION BY run_id, activity, thing_kind, thing, holder ORDER BY position, event_id)
  ),
  numbered AS (
    SELECT *, sum(is_new) OVER own AS hold
    FROM marked
    WINDOW own AS (PARTITION BY run_id, activity, thing_kind, thing, holder ORDER BY position, event_id ROWS UNBOUNDED PRECEDING)
  ),
  held AS (
    SELECT
      run_id, activity, thing_kind, thing, holder, hold,
      min(at_us) AS ts_us, min(position) AS position, min_by(event_id, position) AS event_id,
      max(at_us) FILTER (WHERE is_hold) + max(lasts_us) AS lapse_us,
      min(at_us) FILTER (WHERE NOT is_hold) AS left_us, min(position) FILTER (WHERE NOT is_hold) AS left_position,
      min_by(event_id, position) FILTER (WHERE NOT is_hold) AS left_event_id,
      min(at_us) FILTER (WHERE is_answer) AS freed_us, min(position) FILTER (WHERE is_answer) AS freed_position,
      min_by(role, position) FILTER (WHERE is_answer) AS freed_role, count(*) FILTER (WHERE NOT is_ordered) = 0 AS is_ordered
    FROM numbered
    WHERE hold > 0
    GROUP BY run_id, activity, thing_kind, thing, holder, hold
  ),
  -- Granted again to the same holder, a hold begins anew.
  bounded AS (
    SELECT
      held.*, lead(ts_us) OVER own AS again_us, lead(held.position) OVER own AS again_position, lead(event_id) OVER own AS again_event_id,
      coalesce(lapse_us < least(coalesce(left_us, end_us), coalesce(lead(ts_us) OVER own, end_us)), false) AS is_lapsed
    FROM held
    JOIN log_bounds ON log_bounds.run_id = held.run_id
    WINDOW own AS (PARTITION BY held.run_id, activity, thing_kind, thing, holder ORDER BY hold, event_id)
  )
SELECT
  b.run_id, b.activity, b.thing_kind, b.thing, b.holder, b.ts_us, b.position,
  CASE WHEN is_lapsed THEN lapse_us ELSE coalesce(left_us, again_us) END AS sure_until_us,
  CASE WHEN NOT is_lapsed THEN coalesce(left_position, again_position) END AS sure_until_position,
  coalesce(a.asked_us, b.ts_us) AS maybe_from_us, coalesce(a.asked_position, b.position) AS maybe_from_position,
  CASE WHEN is_lapsed THEN lapse_us ELSE coalesce(freed_us, again_us) END AS maybe_until_us,
  CASE WHEN NOT is_lapsed THEN coalesce(freed_position, again_position) END AS maybe_until_position,
  CASE WHEN is_lapsed THEN 'lapsed' ELSE coalesce(freed_role, CASE WHEN again_us IS NULL THEN 'open' ELSE 'acquired' END) END AS ended_by,
  is_ordered, b.event_id,
  CASE WHEN NOT is_lapsed THEN coalesce(left_event_id, again_event_id) END AS end_event_id
FROM bounded AS b
LEFT JOIN hold_attempt AS a ON a.run_id = b.run_id AND a.event_id = b.event_id AND a.activity = b.activity AND a.thing = b.thing
