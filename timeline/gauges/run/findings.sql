-- Findings with the verdict `found` that last, or ended since the moment before.
--
-- What lasts a millisecond is seen too, at the first moment after it. A detector that finds nothing is 0, not absent.
--
-- column at_us: the moment
-- column detector: which detector
-- column severity: how bad
-- column value: how many findings
SELECT m.at_us, d.detector, d.severity, count(f.ts_us) AS value
FROM moment AS m
CROSS JOIN detector AS d
LEFT JOIN finding AS f ON f.detector = d.detector AND f.severity = d.severity
  AND f.known_us <= m.at_us AND f.ts_us <= m.at_us AND m.since_us < f.ts_us + f.dur_us + CAST(f.is_open AS BIGINT)
GROUP BY m.at_us, d.detector, d.severity
