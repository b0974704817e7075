-- Something that was placed and never ran.
--
-- It has its place, and what it takes from it, but for longer than its source says it may take nothing shows that it runs. Only what
-- the log saw being placed is judged: of anything else the start may lie before the log.
--
-- severity: warning
-- alert_for: 5m
-- catalogue: X-25
-- source: Kubernetes pods whose image cannot be pulled, in the recorded events of replicatedhq/troubleshoot
-- needs: role_placement, role_within.running_within_us
-- says: {subject} was placed and did not run for {dur_us}; it was to run within {within_us}
-- column activity: what its kinds are declared for
-- column within_us: how soon it was to run
-- impact: what is reserved for it is paid for and does no work
-- diagnosis: its last events say what it waits for: an image, a volume, a secret
-- mitigation: correct what it waits for, or delete it
SELECT
  p.run_id, p.thing_kind AS subject_kind, p.thing AS subject_id,
  p.placed_us AS ts_us, coalesce(p.running_us, p.dropped_us, b.end_us) - p.placed_us AS dur_us,
  p.running_us IS NULL AND p.dropped_us IS NULL AS is_open,
  CASE WHEN coalesce(p.running_us, p.dropped_us, b.end_us) - p.placed_us <= w.running_within_us THEN 'pending' ELSE 'found' END AS verdict,
  [p.placed_event_id, p.last_event_id] AS evidence,
  p.activity, w.running_within_us AS within_us
FROM role_placement AS p
JOIN role_within AS w ON w.run_id = p.run_id AND w.activity = p.activity AND w.running_within_us IS NOT NULL
JOIN log_bounds AS b ON b.run_id = p.run_id
WHERE coalesce(p.running_us, p.dropped_us, b.end_us) >= p.placed_us
  AND (coalesce(p.running_us, p.dropped_us, b.end_us) - p.placed_us > w.running_within_us
    OR (p.running_us IS NULL AND p.dropped_us IS NULL))
ORDER BY p.run_id, ts_us, subject_kind, subject_id, evidence
