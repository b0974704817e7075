-- Barriers that are open, by phase.
--
-- `gathering` waits for members, `ready` waits to be released, `released` runs.
--
-- otherwise: 0
-- column at_us: the moment
-- column state: gathering, ready, released
-- column value: how many barriers
SELECT m.at_us, b.state, count(*) AS value
FROM barrier_state_interval AS b
JOIN shown_run USING (run_id)
LEFT JOIN moment AS m ON b.ts_us <= m.at_us AND m.at_us < b.ts_us + b.dur_us + CAST(b.is_open AS BIGINT)
GROUP BY m.at_us, b.state
