-- Tenant with more bound replicas in a zone than its quota ever allowed.
--
-- Each bound replica stands on a slot of its tenant's quota. A binding that nobody reserved a slot for goes past the quota. A
-- quota that was lowered while the replicas were there is no excess: the most that it ever was in the log is what counts.
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
  of_quota AS (
    SELECT run_id, replica, min(quota) AS quota FROM reservation_interval GROUP BY run_id, replica
  ),
  -- A log without its beginning does not have every size that the quota had: what is reserved is allowed in any case.
  allowed AS (
    SELECT run_id, quota, max(greatest(slots, slots - free)) AS slots FROM quota_room GROUP BY run_id, quota
  ),
  step AS (
    SELECT b.run_id, q.quota, b.ts_us AS at_us, 1 AS delta, b.event_id
    FROM binding_interval AS b
    JOIN of_quota AS q ON q.run_id = b.run_id AND q.replica = b.replica
    UNION ALL
    SELECT b.run_id, q.quota, b.ts_us + b.dur_us AS at_us, -1 AS delta, b.end_event_id AS event_id
    FROM binding_interval AS b
    JOIN of_quota AS q ON q.run_id = b.run_id AND q.replica = b.replica
    WHERE NOT b.is_open
  ),
  counted AS (
    SELECT
      s.run_id, s.quota, s.at_us, s.event_id, a.slots,
      sum(s.delta) OVER (
        PARTITION BY s.run_id, s.quota ORDER BY s.at_us, s.delta, s.event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS bound,
      lead(s.at_us) OVER (PARTITION BY s.run_id, s.quota ORDER BY s.at_us, s.delta, s.event_id) AS until_us
    FROM step AS s
    JOIN allowed AS a ON a.run_id = s.run_id AND a.quota = s.quota
  )
SELECT
  c.run_id, 'quota' AS subject_kind, c.quota AS subject_id,
  min(c.at_us) AS ts_us, max(coalesce(c.until_us, b.end_us)) - min(c.at_us) AS dur_us, max(c.until_us IS NULL) AS is_open,
  'found' AS verdict, [min_by(c.event_id, (c.at_us, c.event_id))] AS evidence,
  c.slots, CAST(max(c.bound) AS BIGINT) AS bound_max
FROM counted AS c
JOIN log_bounds AS b ON b.run_id = c.run_id
WHERE c.bound > c.slots
GROUP BY c.run_id, c.quota, c.slots
ORDER BY c.run_id, ts_us, subject_id, evidence
