-- The most patient timings of each run of the quota family: the longest that any of its controllers ever declared.
--
-- Each scan of repair echoes the thresholds that it judges by, so that a log without its beginning still has those.
--
-- column run_id: the run
-- column watch_lag_us: time within which a watch is promised to bring a change
-- column repair_tick_us: interval of the repair loop
-- column orphan_after_us: age from which a reservation that nothing needs is an orphan
SELECT
  quota_event.run_id,
  max(watch_lag_us) AS watch_lag_us,
  max(repair_tick_us) AS repair_tick_us,
  max(orphan_after_us) AS orphan_after_us
FROM quota_event
JOIN event_time USING (event_no)
WHERE kind IN ('quota.configured', 'repair.scanned')
GROUP BY quota_event.run_id
