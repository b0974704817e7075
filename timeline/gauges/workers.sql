-- Workers by durable state, those that have ended left out.
--
-- What the rows of the store say, whatever any control plane remembers.
--
-- column at_us: the moment
-- column state: state of the worker's row
-- column value: how many workers
WITH
  life AS (
    SELECT w.state, w.ts_us, w.ts_us + w.dur_us + CAST(w.is_open AS BIGINT) AS until_us
    FROM worker_state_interval AS w
    JOIN shown_run USING (run_id)
    WHERE w.state NOT IN ('retired', 'lost')
  ),
  counted AS (
    SELECT m.at_us, l.state, count(*) AS workers
    FROM life AS l
    JOIN moment AS m ON l.ts_us <= m.at_us AND m.at_us < l.until_us
    GROUP BY m.at_us, l.state
  )
SELECT m.at_us, known.state, coalesce(c.workers, 0) AS value
FROM moment AS m
CROSS JOIN (SELECT DISTINCT state FROM life) AS known
LEFT JOIN counted AS c ON c.at_us = m.at_us AND c.state = known.state
