-- Workers of a tenant that count against its cap.
--
-- A worker counts from its slot to its end, except while it is parked.
--
-- column at_us: the moment
-- column org: the tenant
-- column value: how many workers
WITH
  life AS (
    SELECT w.org, w.state, w.ts_us, w.ts_us + w.dur_us + CAST(w.is_open AS BIGINT) AS until_us
    FROM worker_state_interval AS w
    JOIN shown_run USING (run_id)
    WHERE w.org IS NOT NULL
  ),
  counted AS (
    SELECT m.at_us, l.org, count(*) AS workers
    FROM life AS l
    JOIN moment AS m ON l.ts_us <= m.at_us AND m.at_us < l.until_us
    WHERE l.state NOT IN ('hot_idle', 'retired', 'lost')
    GROUP BY m.at_us, l.org
  )
SELECT m.at_us, known.org, coalesce(c.workers, 0) AS value
FROM moment AS m
CROSS JOIN (SELECT DISTINCT org FROM life) AS known
LEFT JOIN counted AS c ON c.at_us = m.at_us AND c.org = known.org
