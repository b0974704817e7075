-- Whether anybody holds the lease.
--
-- A leader that vanished holds it until its last renewal and the lease's duration have passed.
--
-- column at_us: the moment
-- column lease: the lease
-- column value: 1 where somebody holds it, else 0
WITH
  leadership AS (
    SELECT l.lease, l.ts_us, l.ts_us + l.dur_us + CAST(l.is_open AS BIGINT) AS until_us
    FROM leadership_interval AS l
    JOIN shown_run USING (run_id)
  ),
  held AS (SELECT DISTINCT m.at_us, l.lease FROM leadership AS l JOIN moment AS m ON l.ts_us <= m.at_us AND m.at_us < l.until_us)
SELECT m.at_us, known.lease, count(held.lease) AS value
FROM moment AS m
CROSS JOIN (SELECT DISTINCT lease FROM leadership) AS known
LEFT JOIN held ON held.at_us = m.at_us AND held.lease = known.lease
GROUP BY m.at_us, known.lease
