-- What each decision had read, what was true by then, and whether the truth would have changed it.
--
-- A decision asks whether there is enough of something: a free slot of a quota, ready replicas of the wanted generation. It
-- lags when the version that it used was not the newest any more; that did harm where fresh data would have changed it.
--
-- column run_id: the run
-- column event_id: the decision
-- column kind: its kind
-- column subject_kind: what sort of object was decided about
-- column subject_id: which one
-- column at_us: when it was decided
-- column source: where it was read: cache or store
-- column object_kind: what sort of object was read
-- column object_id: which one
-- column used_version: version, or generation, that the decision used
-- column true_version: the newest by then; null where the log does not say
-- column used_value: what the decision took it to be
-- column true_value: what it was by then; null where the log does not say
-- column needed: the least that was asked for
-- column age_us: how long something newer had been there; 0 where there was none
-- column allowed_us: how old what was read may be: the promised lag of a watch; nothing where the decider named the newer one itself
-- column would_change: whether fresh data would have changed the decision
-- column newer_event_id: the event that made what was used old
WITH
  decided AS (
    SELECT quota_event.*, at_us, position FROM quota_event JOIN event_time USING (event_no)
  ),
  -- What an order for capacity rests on is what the scheduler last said of that replica.
  word AS (
    SELECT *, coalesce(replica, subject_id) AS about FROM decided
    WHERE kind IN ('replica.unschedulable', 'reservation.attempted') OR (kind = 'capacity.requested' AND reason = 'quota')
  ),
  asked AS (
    SELECT
      run_id, event_id, kind, subject_kind, subject_id, at_us, source, quota, reason,
      last_value(quota_version IGNORE NULLS) OVER so_far AS used_version,
      last_value(quota_free IGNORE NULLS) OVER so_far AS used_value
    FROM word
    WINDOW so_far AS (PARTITION BY run_id, about ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  quota_lag AS (
    SELECT
      a.run_id, a.event_id, a.kind, a.subject_kind, a.subject_id, a.at_us, a.source, 'quota' AS object_kind, a.quota AS object_id,
      a.used_version, max(r.version) AS true_version, a.used_value, max_by(r.free, (r.version, r.event_id)) AS true_value, 1 AS needed,
      min(r.ts_us) FILTER (WHERE r.version > a.used_version) AS newer_us,
      min_by(r.event_id, (r.ts_us, r.event_id)) FILTER (WHERE r.version > a.used_version) AS newer_event_id
    FROM asked AS a LEFT JOIN quota_room AS r ON r.run_id = a.run_id AND r.quota = a.quota AND r.ts_us <= a.at_us
    WHERE a.used_version IS NOT NULL AND (a.reason IS NULL OR a.reason = 'quota')
    GROUP BY a.run_id, a.event_id, a.kind, a.subject_kind, a.subject_id, a.at_us, a.source, a.quota, a.used_version, a.used_value
  ),
  generation_lag AS (
    SELECT
      p.run_id, p.event_id, p.kind, p.subject_kind, p.subject_id, p.at_us, p.source, 'status' AS object_kind, p.subject_id AS object_id,
      p.observed_generation AS used_version, p.generation AS true_version, p.ready AS used_value,
      coalesce(max_by(s.ready, s.position), 0) AS true_value, p.replicas AS needed,
      min(w.at_us) AS newer_us, min(w.event_id) AS newer_event_id
    FROM decided AS p
    LEFT JOIN decided AS s
      ON s.run_id = p.run_id AND s.kind = 'status.reported' AND s.subject_id = p.subject_id AND s.position < p.position
      AND s.observed_generation = p.generation
    LEFT JOIN decided AS w
      ON w.run_id = p.run_id AND w.kind = 'workload.admitted' AND w.subject_id = p.subject_id AND w.generation = p.generation
      AND p.observed_generation < p.generation
    WHERE p.kind = 'workload.promoted'
    GROUP BY
      p.run_id, p.event_id, p.kind, p.subject_kind, p.subject_id, p.at_us, p.source, p.observed_generation, p.generation, p.ready,
      p.replicas
  )
SELECT
  l.run_id, event_id, kind, subject_kind, subject_id, at_us, source, object_kind, object_id, used_version, true_version, used_value,
  true_value, needed, coalesce(at_us - newer_us, 0) AS age_us, watch_lag_us AS allowed_us,
  true_version > used_version AND (used_value >= needed) <> (true_value >= needed) AS would_change, newer_event_id
FROM quota_lag AS l
LEFT JOIN quota_config AS c ON c.run_id = l.run_id
UNION ALL
SELECT
  run_id, event_id, kind, subject_kind, subject_id, at_us, source, object_kind, object_id, used_version, true_version, used_value,
  true_value, needed, coalesce(at_us - newer_us, 0) AS age_us, 0 AS allowed_us,
  used_version < true_version AND true_value < needed AS would_change, newer_event_id
FROM generation_lag
