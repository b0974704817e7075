-- Sessions that run.
--
-- A session whose control plane is gone has ended, whoever noticed.
--
-- otherwise: 0
-- column at_us: the moment
-- column org: the tenant
-- column value: how many sessions
SELECT m.at_us, s.org, count(*) AS value
FROM session_interval AS s
JOIN shown_run USING (run_id)
LEFT JOIN moment AS m ON s.ts_us <= m.at_us AND m.at_us < s.ts_us + s.dur_us + CAST(s.is_open AS BIGINT)
WHERE s.org IS NOT NULL
GROUP BY m.at_us, s.org
