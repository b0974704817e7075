-- Whether anybody holds the lease.
--
-- A leader that vanished holds it until its last renewal and the lease's duration have passed.
--
-- otherwise: 0
-- column at_us: the moment
-- column lease: the lease
-- column value: 1 where somebody holds it, else 0
SELECT m.at_us, l.lease, 1 AS value
FROM leadership_interval AS l
JOIN shown_run USING (run_id)
LEFT JOIN moment AS m ON l.ts_us <= m.at_us AND m.at_us < l.ts_us + l.dur_us + CAST(l.is_open AS BIGINT)
GROUP BY m.at_us, l.lease
