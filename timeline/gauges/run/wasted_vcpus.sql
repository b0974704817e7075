-- Virtual CPUs that findings waste.
--
-- A finding's cost is spread evenly over its time, so that this gauge summed over time is the cost of the findings.
--
-- column at_us: the moment
-- column detector: which detector
-- column value: virtual CPUs
SELECT m.at_us, d.detector, coalesce(sum(f.wasted_vcpus), 0.0) AS value
FROM moment AS m
CROSS JOIN detector AS d
LEFT JOIN finding AS f ON f.detector = d.detector AND f.severity = d.severity
  AND f.ts_us <= m.at_us AND m.at_us < f.ts_us + f.dur_us + CAST(f.is_open AS BIGINT)
GROUP BY m.at_us, d.detector
