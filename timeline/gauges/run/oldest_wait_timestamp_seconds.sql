-- Since when the workload waits that has waited for longest for one thing.
--
-- `time()` less this is how old the head of the queue is.
--
-- column at_us: the moment
-- column kind: sort of workload
-- column reason: what it waits for
-- column value: since when
SELECT m.at_us, p.workload_kind AS kind, p.reason, min(p.ts_us) / 1000000.0 AS value
FROM workload_part AS p
JOIN moment AS m ON p.ts_us <= m.at_us AND m.at_us < p.ts_us + p.dur_us + CAST(p.is_open AS BIGINT)
WHERE p.reason <> 'running'
GROUP BY m.at_us, p.workload_kind, p.reason
