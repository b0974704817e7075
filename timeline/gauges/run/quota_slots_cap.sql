-- Slots that a quota has.
--
-- As the last write to the quota's row said.
--
-- column at_us: the moment
-- column quota: the quota
-- column value: how many slots
SELECT m.at_us, q.quota, max(q.slots) AS value
FROM quota_room AS q
JOIN shown_run USING (run_id)
JOIN moment AS m ON q.ts_us <= m.at_us AND (q.until_us IS NULL OR m.at_us < q.until_us)
GROUP BY m.at_us, q.quota
