-- Workers of a tenant that count against its cap.
--
-- A worker counts from its slot to its end, except while it is parked.
--
-- column at_us: the moment
-- column org: the tenant
-- column value: how many workers
WITH
  known AS (SELECT DISTINCT w.org FROM worker_state_interval AS w JOIN shown_run USING (run_id) WHERE w.org IS NOT NULL),
  counted AS (
    SELECT m.at_us, w.org, count(*) AS workers
    FROM worker_state_interval AS w
    JOIN shown_run USING (run_id)
    JOIN moment AS m ON w.ts_us <= m.at_us AND m.at_us < w.ts_us + w.dur_us + CAST(w.is_open AS BIGINT)
    WHERE w.state NOT IN ('hot_idle', 'retired', 'lost')
    GROUP BY m.at_us, w.org
  )
SELECT m.at_us, known.org, coalesce(c.workers, 0) AS value
FROM moment AS m
CROSS JOIN known
LEFT JOIN counted AS c ON c.at_us = m.at_us AND c.org = known.org
