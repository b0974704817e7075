-- How much of each quota is free, as a step function of time.
--
-- Every write to a quota says what the quota is after it: a change of its size, a reservation, a release.
--
-- column run_id: the run
-- column quota: the quota
-- column version: version of its row
-- column ts_us: since when
-- column until_us: until when; null where nothing follows in the log
-- column slots: slots that the tenant may take
-- column free: slots that nobody has
-- column event_id: the event that made it so
SELECT
  quota_event.run_id, quota, quota_version AS version, at_us AS ts_us,
  lead(at_us) OVER (PARTITION BY quota_event.run_id, quota ORDER BY quota_version, position) AS until_us,
  slots, slots - used AS free, event_id
FROM quota_event
JOIN event_time USING (event_no)
WHERE kind IN ('quota.changed', 'reservation.created', 'reservation.released')
