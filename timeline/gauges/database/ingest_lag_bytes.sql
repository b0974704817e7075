-- Bytes of a followed file that were not read yet.
--
-- A last line that waits for its end is among them.
--
-- column file: the followed file
-- column value: bytes
SELECT path AS file, sum(lag_bytes) AS value
FROM follow_lag
GROUP BY path
