-- Workers by durable state, those that have ended left out.
--
-- What the rows of the store say, whatever any control plane remembers.
--
-- column at_us: the moment
-- column state: state of the worker's row
-- column value: how many workers
WITH
  known AS (
    SELECT DISTINCT w.state FROM worker_state_interval AS w JOIN shown_run USING (run_id) WHERE w.state NOT IN ('retired', 'lost')
  ),
  counted AS (
    SELECT m.at_us, w.state, count(*) AS workers
    FROM worker_state_interval AS w
    JOIN shown_run USING (run_id)
    JOIN moment AS m ON w.ts_us <= m.at_us AND m.at_us < w.ts_us + w.dur_us + CAST(w.is_open AS BIGINT)
    WHERE w.state NOT IN ('retired', 'lost')
    GROUP BY m.at_us, w.state
  )
SELECT m.at_us, known.state, coalesce(c.workers, 0) AS value
FROM moment AS m
CROSS JOIN known
LEFT JOIN counted AS c ON c.at_us = m.at_us AND c.state = known.state
