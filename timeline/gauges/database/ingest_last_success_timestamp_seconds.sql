-- When something of a followed file was last committed.
--
-- By the clock of the machine that reads. A file in which nothing new is written does not move it.
--
-- column file: the followed file
-- column value: when
SELECT path AS file, max(committed_us) / 1000000.0 AS value
FROM follow_lag
GROUP BY path
