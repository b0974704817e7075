-- Workers of a tenant that count against its cap.
--
-- A worker counts from its slot to its end, except while it is parked.
--
-- otherwise: 0
-- column at_us: the moment
-- column org: the tenant
-- column value: how many workers
SELECT m.at_us, w.org, count(*) AS value
FROM worker_state_interval AS w
JOIN shown_run USING (run_id)
LEFT JOIN moment AS m ON w.state NOT IN ('hot_idle', 'retired', 'lost')
  AND w.ts_us <= m.at_us AND m.at_us < w.ts_us + w.dur_us + CAST(w.is_open AS BIGINT)
WHERE w.org IS NOT NULL
GROUP BY m.at_us, w.org
