-- Whether a detector cannot judge, because the log lacks what it needs.
--
-- A detector that is blind finds nothing either; this tells the two apart. It is about the log as a whole.
--
-- column at_us: the moment
-- column detector: which detector
-- column value: 1 where it cannot judge, else 0
SELECT m.at_us, d.detector, max(CASE WHEN d.verdict = 'unknown' THEN 1 ELSE 0 END) AS value
FROM moment AS m
CROSS JOIN detector AS d
GROUP BY m.at_us, d.detector
