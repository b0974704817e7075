-- Workloads that are not over, by what they wait for.
--
-- Sessions, jobs and gangs; `running` is no wait. The reasons are those of `timeline why`.
--
-- column at_us: the moment
-- column kind: sort of workload
-- column reason: what it waits for
-- column value: how many workloads
WITH
  known AS (SELECT DISTINCT p.workload_kind, p.reason FROM workload_part AS p),
  counted AS (
    SELECT m.at_us, p.workload_kind, p.reason, count(*) AS workloads
    FROM workload_part AS p
    JOIN moment AS m ON p.ts_us <= m.at_us AND m.at_us < p.ts_us + p.dur_us + CAST(p.is_open AS BIGINT)
    GROUP BY m.at_us, p.workload_kind, p.reason
  )
SELECT m.at_us, known.workload_kind AS kind, known.reason, coalesce(c.workloads, 0) AS value
FROM moment AS m
CROSS JOIN known
LEFT JOIN counted AS c ON c.at_us = m.at_us AND c.workload_kind = known.workload_kind AND c.reason = known.reason
