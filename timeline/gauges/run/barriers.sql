-- Barriers that are open, by phase.
--
-- `gathering` waits for members, `ready` waits to be released, `released` runs.
--
-- column at_us: the moment
-- column state: gathering, ready, released
-- column value: how many barriers
WITH
  known AS (SELECT DISTINCT b.state FROM barrier_state_interval AS b JOIN shown_run USING (run_id)),
  counted AS (
    SELECT m.at_us, b.state, count(*) AS barriers
    FROM barrier_state_interval AS b
    JOIN shown_run USING (run_id)
    JOIN moment AS m ON b.ts_us <= m.at_us AND m.at_us < b.ts_us + b.dur_us + CAST(b.is_open AS BIGINT)
    GROUP BY m.at_us, b.state
  )
SELECT m.at_us, known.state, coalesce(c.barriers, 0) AS value
FROM moment AS m
CROSS JOIN known
LEFT JOIN counted AS c ON c.at_us = m.at_us AND c.state = known.state
