-- Whether anybody holds the lease.
--
-- A leader that vanished holds it until its last renewal and the lease's duration have passed.
--
-- column at_us: the moment
-- column lease: the lease
-- column value: 1 where somebody holds it, else 0
WITH
  known AS (SELECT DISTINCT l.lease FROM leadership_interval AS l JOIN shown_run USING (run_id)),
  held AS (
    SELECT DISTINCT m.at_us, l.lease
    FROM leadership_interval AS l
    JOIN shown_run USING (run_id)
    JOIN moment AS m ON l.ts_us <= m.at_us AND m.at_us < l.ts_us + l.dur_us + CAST(l.is_open AS BIGINT)
  )
SELECT m.at_us, known.lease, count(held.lease) AS value
FROM moment AS m
CROSS JOIN known
LEFT JOIN held ON held.at_us = m.at_us AND held.lease = known.lease
GROUP BY m.at_us, known.lease
