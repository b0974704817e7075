-- Time of the last event in the log.
--
-- `time()` less this is how old the picture is; where this gauge is missing, nobody is looking at all.
--
-- column at_us: the moment
-- column value: when the last event happened
WITH
  stretch AS (
    SELECT e.at_us AS event_us, lead(e.at_us, 1, 9223372036854775807) OVER (ORDER BY e.at_us, e.position) AS next_us
    FROM event_time AS e
    JOIN shown_run USING (run_id)
  )
SELECT m.at_us, max(s.event_us) / 1000000.0 AS value
FROM stretch AS s
JOIN moment AS m ON s.event_us <= m.at_us AND m.at_us < s.next_us
GROUP BY m.at_us
