-- Workloads that are not over, by what they wait for.
--
-- Sessions, jobs, gangs, replicas and whatever else has a ledger; `running` is no wait. The reasons are those of `timeline why`.
--
-- otherwise: 0
-- column at_us: the moment
-- column kind: sort of workload
-- column reason: what it waits for
-- column value: how many workloads
SELECT m.at_us, p.workload_kind AS kind, p.reason, count(*) AS value
FROM workload_part AS p
LEFT JOIN moment AS m ON p.ts_us <= m.at_us AND m.at_us < p.ts_us + p.dur_us + CAST(p.is_open AS BIGINT)
GROUP BY m.at_us, p.workload_kind, p.reason
