-- When the worker that has been parked for longest was parked.
--
-- `time()` less this is its age; it is judged against its TTL by `timeline_hot_idle_deadline_timestamp_seconds`.
--
-- column at_us: the moment
-- column org: the tenant
-- column value: when it was parked
SELECT m.at_us, w.org, min(w.ts_us) / 1000000.0 AS value
FROM worker_state_interval AS w
JOIN shown_run USING (run_id)
JOIN moment AS m ON w.ts_us <= m.at_us AND m.at_us < w.ts_us + w.dur_us + CAST(w.is_open AS BIGINT)
WHERE w.state = 'hot_idle'
GROUP BY m.at_us, w.org
