-- Workers that a tenant may have.
--
-- The cap that was last said when a slot was taken or refused; nothing is known before the first.
--
-- column at_us: the moment
-- column org: the tenant
-- column value: the cap
SELECT m.at_us, s.org, max(s.cap) AS value
FROM org_slots AS s
JOIN shown_run USING (run_id)
JOIN moment AS m ON s.ts_us <= m.at_us AND m.at_us <= s.ts_us + s.dur_us
WHERE s.cap IS NOT NULL
GROUP BY m.at_us, s.org
