-- Sessions that run.
--
-- A session whose control plane is gone has ended, whoever noticed.
--
-- column at_us: the moment
-- column org: the tenant
-- column value: how many sessions
WITH
  known AS (SELECT DISTINCT s.org FROM session_interval AS s JOIN shown_run USING (run_id) WHERE s.org IS NOT NULL),
  counted AS (
    SELECT m.at_us, s.org, count(*) AS sessions
    FROM session_interval AS s
    JOIN shown_run USING (run_id)
    JOIN moment AS m ON s.ts_us <= m.at_us AND m.at_us < s.ts_us + s.dur_us + CAST(s.is_open AS BIGINT)
    GROUP BY m.at_us, s.org
  )
SELECT m.at_us, known.org, coalesce(c.sessions, 0) AS value
FROM moment AS m
CROSS JOIN known
LEFT JOIN counted AS c ON c.at_us = m.at_us AND c.org = known.org
