-- Instances that the schedule places, by durable state.
--
-- What the rows say, whatever the nodes really run. Those that are gone or lost are left out.
--
-- otherwise: 0
-- column at_us: the moment
-- column state: state of the instance's row
-- column value: how many instances
SELECT m.at_us, i.state, count(*) AS value
FROM instance_state_interval AS i
JOIN shown_run USING (run_id)
LEFT JOIN moment AS m ON i.ts_us <= m.at_us AND m.at_us < i.ts_us + i.dur_us + CAST(i.is_open AS BIGINT)
WHERE i.state NOT IN ('gone', 'lost')
GROUP BY m.at_us, i.state
