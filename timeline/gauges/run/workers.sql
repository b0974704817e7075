-- Workers by durable state, those that have ended left out.
--
-- What the rows of the store say, whatever any control plane remembers.
--
-- otherwise: 0
-- column at_us: the moment
-- column state: state of the worker's row
-- column value: how many workers
SELECT m.at_us, w.state, count(*) AS value
FROM worker_state_interval AS w
JOIN shown_run USING (run_id)
LEFT JOIN moment AS m ON w.ts_us <= m.at_us AND m.at_us < w.ts_us + w.dur_us + CAST(w.is_open AS BIGINT)
WHERE w.state NOT IN ('retired', 'lost')
GROUP BY m.at_us, w.state
