-- Tenant with more bound replicas in a zone than its quota ever allowed.
--
-- Each bound replica stands on a slot of its tenant's quota. A binding that nobody reserved a slot for goes past the quota. A
-- quota that was lowered while the replicas were there is no excess: the most that it ever was in the log is what counts. Of
-- several excesses the first is told.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-18
-- source: lesson 020 (quotas, reservations, tenant limits); hatchet-dev/hatchet issue 4778
-- needs: quota_room, binding_interval
-- says: {subject} had {bound_max} bound replicas with {slots} slots at most, for {dur_us}
-- column slots: the most slots that the quota ever had in the log
-- column bound_max: most bound replicas at once
-- impact: one tenant takes what belongs to others
-- diagnosis: `timeline show quota/ID` and the bindings that its replicas have: which of them has no reservation
-- mitigation: remove the bindings without a reservation; bind only in the commit that takes the reservation
WITH
  -- A log without its beginning does not have every size that the quota had: what is reserved is allowed in any case, and
  -- nothing is judged before the first that the log says of the quota.
  allowed AS (
    SELECT run_id, quota, min(ts_us) AS since_us, max(greatest(slots, slots - free)) AS slots FROM quota_room GROUP BY run_id, quota
  ),
  step AS (
    SELECT run_id, quota, ts_us AS at_us, 1 AS delta, event_id FROM binding_interval
    UNION ALL
    SELECT run_id, quota, ts_us + dur_us AS at_us, -1 AS delta, end_event_id AS event_id FROM binding_interval WHERE NOT is_open
  ),
  counted AS (
    SELECT
      s.run_id, s.quota, s.at_us, s.event_id, a.slots, a.since_us,
      sum(s.delta) OVER (
        PARTITION BY s.run_id, s.quota ORDER BY s.at_us, s.delta, s.event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS bound
    FROM step AS s
    JOIN allowed AS a ON a.run_id = s.run_id AND a.quota = s.quota
  ),
  excess AS (
    SELECT run_id, quota, slots, min(at_us) AS ts_us, min_by(event_id, (at_us, event_id)) AS event_id
    FROM counted
    WHERE bound > slots AND at_us >= since_us
    GROUP BY run_id, quota, slots
  ),
  ended AS (
    SELECT x.run_id, x.quota, x.slots, x.ts_us, x.event_id, min(c.at_us) AS until_us
    FROM excess AS x
    LEFT JOIN counted AS c ON c.run_id = x.run_id AND c.quota = x.quota AND c.at_us > x.ts_us AND c.bound <= c.slots
    GROUP BY x.run_id, x.quota, x.slots, x.ts_us, x.event_id
  )
SELECT
  x.run_id, 'quota' AS subject_kind, x.quota AS subject_id,
  x.ts_us, coalesce(x.until_us, b.end_us) - x.ts_us AS dur_us, x.until_us IS NULL AS is_open,
  'found' AS verdict, [x.event_id] AS evidence,
  x.slots, CAST(max(c.bound) AS BIGINT) AS bound_max
FROM ended AS x
JOIN log_bounds AS b ON b.run_id = x.run_id
JOIN counted AS c ON c.run_id = x.run_id AND c.quota = x.quota AND c.at_us >= x.ts_us AND (x.until_us IS NULL OR c.at_us < x.until_us)
GROUP BY x.run_id, x.quota, x.slots, x.ts_us, x.until_us, x.event_id, b.end_us
ORDER BY x.run_id, x.ts_us, subject_id, evidence
