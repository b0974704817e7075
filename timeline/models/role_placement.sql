-- What was to be placed and to run: when it was tried, done, and given up.
--
-- Something that only a placed thing does tells as well that it was placed, also where the event that placed it is not here.
--
-- column run_id: the run
-- column activity: the activity
-- column thing_kind: sort of the thing
-- column thing: the thing
-- column tried_us: first attempt to place it that failed
-- column tried_event_id: that attempt
-- column retried_event_id: the last such attempt
-- column tries: how many failed
-- column placed_us: when it was placed; null where that event is not here
-- column placed_event_id: the event that placed it
-- column seen_us: first event that only a placed thing has
-- column running_us: when it ran first
-- column dropped_us: when it was given up
-- column last_us: its last event
-- column last_event_id: that event
SELECT
  run_id, activity, thing_kind, thing,
  min(at_us) FILTER (WHERE role = 'place_failed') AS tried_us,
  min_by(event_id, position) FILTER (WHERE role = 'place_failed') AS tried_event_id,
  max_by(event_id, position) FILTER (WHERE role = 'place_failed') AS retried_event_id,
  count(*) FILTER (WHERE role = 'place_failed') AS tries,
  min(at_us) FILTER (WHERE role = 'placed') AS placed_us,
  min_by(event_id, position) FILTER (WHERE role = 'placed') AS placed_event_id,
  min(at_us) FILTER (WHERE role IN ('placed', 'observed', 'running')) AS seen_us,
  min(at_us) FILTER (WHERE role = 'running') AS running_us,
  min(at_us) FILTER (WHERE role = 'dropped') AS dropped_us,
  max(at_us) AS last_us,
  max_by(event_id, position) AS last_event_id
FROM role_event
WHERE role IN ('place_failed', 'placed', 'observed', 'running', 'dropped')
GROUP BY run_id, activity, thing_kind, thing
