-- How long what was last read of a followed file had waited to be read.
--
-- It is what follow mode noted when it committed: a follower that stands still moves neither this nor the time of its last success.
--
-- column file: the followed file
-- column value: seconds
SELECT path AS file, max(lag_us) / 1000000.0 AS value
FROM follow_lag
GROUP BY path
