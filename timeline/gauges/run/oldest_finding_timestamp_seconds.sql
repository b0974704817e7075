-- Start of the oldest finding that lasts.
--
-- `time()` less this is how long the oldest leak has gone on.
--
-- column at_us: the moment
-- column detector: which detector
-- column value: when it began
SELECT m.at_us, f.detector, min(f.ts_us) / 1000000.0 AS value
FROM moment AS m
JOIN finding AS f ON f.known_us <= m.at_us AND f.ts_us <= m.at_us AND m.since_us < f.ts_us + f.dur_us + CAST(f.is_open AS BIGINT)
GROUP BY m.at_us, f.detector
