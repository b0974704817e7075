-- Sessions that run.
--
-- A session whose control plane is gone has ended, whoever noticed.
--
-- column at_us: the moment
-- column org: the tenant
-- column value: how many sessions
WITH
  life AS (
    SELECT s.org, s.ts_us, s.ts_us + s.dur_us + CAST(s.is_open AS BIGINT) AS until_us
    FROM session_interval AS s
    JOIN shown_run USING (run_id)
    WHERE s.org IS NOT NULL
  ),
  counted AS (
    SELECT m.at_us, l.org, count(*) AS sessions
    FROM life AS l
    JOIN moment AS m ON l.ts_us <= m.at_us AND m.at_us < l.until_us
    GROUP BY m.at_us, l.org
  )
SELECT m.at_us, known.org, coalesce(c.sessions, 0) AS value
FROM moment AS m
CROSS JOIN (SELECT DISTINCT org FROM life) AS known
LEFT JOIN counted AS c ON c.at_us = m.at_us AND c.org = known.org
