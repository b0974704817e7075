-- Where each run's log begins and ends.
--
-- What has not ended by `end_us` is open: nobody knows what came after.
--
-- column run_id: the run
-- column start_us: time of its first event
-- column end_us: time of its last event
-- column events: how many events it has
SELECT run_id, min(at_us) AS start_us, max(at_us) AS end_us, count(*) AS events
FROM event_time
GROUP BY run_id
