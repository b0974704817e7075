-- Findings with the verdict `found` so far, those that are over too.
--
-- What lasts a moment, or can only be proven when it is over, is seen by this number's growth. It never goes down.
--
-- column at_us: the moment
-- column detector: which detector
-- column severity: how bad
-- column value: how many findings
SELECT m.at_us, d.detector, d.severity, count(f.known_us) AS value
FROM moment AS m
CROSS JOIN detector AS d
LEFT JOIN finding AS f ON f.detector = d.detector AND f.severity = d.severity AND f.known_us <= m.at_us
GROUP BY m.at_us, d.detector, d.severity
