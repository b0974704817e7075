-- When the time to live of a parked worker ends, or ended: the earliest.
--
-- `time()` less this, where it is above 0, is how long the worst parked worker has outstayed its TTL. Reapers need a pass or two.
--
-- column at_us: the moment
-- column org: the tenant
-- column value: when it is to be reused or retired
SELECT m.at_us, w.org, min(w.ts_us + coalesce(w.ttl_us, c.hot_idle_ttl_us)) / 1000000.0 AS value
FROM worker_state_interval AS w
JOIN shown_run USING (run_id)
JOIN moment AS m ON w.ts_us <= m.at_us AND m.at_us < w.ts_us + w.dur_us + CAST(w.is_open AS BIGINT)
LEFT JOIN run_config AS c ON c.run_id = w.run_id
WHERE w.state = 'hot_idle' AND coalesce(w.ttl_us, c.hot_idle_ttl_us) IS NOT NULL
GROUP BY m.at_us, w.org
