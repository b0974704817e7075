-- Something that could not be placed and never was.
--
-- An attempt to place it failed, and nothing that happened to it since shows that it was placed after all, for longer than its source
-- says it may wait.
--
-- severity: warning
-- alert_for: 5m
-- catalogue: X-47
-- source: Kubernetes pods with FailedScheduling only, in the recorded events of replicatedhq/troubleshoot
-- needs: role_placement, role_within.placed_within_us
-- says: {subject} could not be placed for {dur_us}, after {tries} attempts; it was to be placed within {within_us}
-- column activity: what its kinds are declared for
-- column tries: attempts that are told of
-- column within_us: how soon it was to be placed
-- impact: work waits for ever, and an autoscaler may grow the cluster for it
-- diagnosis: the message of the last attempt says what is lacking
-- mitigation: ask for less, or add what is lacking
SELECT
  p.run_id, p.thing_kind AS subject_kind, p.thing AS subject_id,
  p.tried_us AS ts_us, coalesce(p.seen_us, p.dropped_us, b.end_us) - p.tried_us AS dur_us,
  p.seen_us IS NULL AND p.dropped_us IS NULL AS is_open,
  CASE WHEN coalesce(p.seen_us, p.dropped_us, b.end_us) - p.tried_us <= w.placed_within_us THEN 'pending' ELSE 'found' END AS verdict,
  [p.tried_event_id, p.retried_event_id] AS evidence,
  p.activity, p.tries, w.placed_within_us AS within_us
FROM role_placement AS p
JOIN role_within AS w ON w.run_id = p.run_id AND w.activity = p.activity AND w.placed_within_us IS NOT NULL
JOIN log_bounds AS b ON b.run_id = p.run_id
WHERE coalesce(p.seen_us, p.dropped_us, b.end_us) >= p.tried_us
  AND (coalesce(p.seen_us, p.dropped_us, b.end_us) - p.tried_us > w.placed_within_us OR (p.seen_us IS NULL AND p.dropped_us IS NULL))
ORDER BY p.run_id, ts_us, subject_kind, subject_id, evidence
