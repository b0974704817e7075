-- How soon what is expected has to come, by activity.
--
-- A thing that never comes is only missed where its source says how soon it was to be expected.
--
-- column run_id: the run
-- column activity: the activity
-- column acquired_within_us: how long the thing may be free
-- column renewed_within_us: how long a hold lasts that is not renewed
-- column ended_within_us: how long what was started may go on
-- column placed_within_us: how long it may wait for a place
-- column running_within_us: how long it may have a place and not run
-- column gone_within_us: how long what a holder had may be held after it is gone
SELECT
  r.run_id, activity,
  max(within_us) FILTER (WHERE role = 'acquired') AS acquired_within_us,
  max(within_us) FILTER (WHERE role = 'renewed') AS renewed_within_us,
  max(within_us) FILTER (WHERE role = 'ended') AS ended_within_us,
  max(within_us) FILTER (WHERE role = 'placed') AS placed_within_us,
  max(within_us) FILTER (WHERE role = 'running') AS running_within_us,
  max(within_us) FILTER (WHERE role = 'gone') AS gone_within_us
FROM kind_role AS r
JOIN log_bounds AS b ON b.run_id = r.run_id
GROUP BY r.run_id, activity
