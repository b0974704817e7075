-- Instances that the schedule places, by durable state.
--
-- What the rows say, whatever the nodes really run. Those that are gone or lost are left out.
--
-- column at_us: the moment
-- column state: state of the instance's row
-- column value: how many instances
WITH
  known AS (SELECT DISTINCT i.state FROM instance_state_interval AS i JOIN shown_run USING (run_id) WHERE i.state NOT IN ('gone', 'lost')),
  counted AS (
    SELECT m.at_us, i.state, count(*) AS instances
    FROM instance_state_interval AS i
    JOIN shown_run USING (run_id)
    JOIN moment AS m ON i.ts_us <= m.at_us AND m.at_us < i.ts_us + i.dur_us + CAST(i.is_open AS BIGINT)
    WHERE i.state NOT IN ('gone', 'lost')
    GROUP BY m.at_us, i.state
  )
SELECT m.at_us, known.state, coalesce(c.instances, 0) AS value
FROM moment AS m
CROSS JOIN known
LEFT JOIN counted AS c ON c.at_us = m.at_us AND c.state = known.state
