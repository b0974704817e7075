-- Member that answered its release with "all is well" and held on.
--
-- An answer of 200 says that an endpoint was there, not that it did anything: k6 answers so to any path. The release had an
-- effect when the member runs. Where it does not, although its pod lives and its process has not ended, the test never begins.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-29
-- source: canonical/k6-k8s-operator (PATCH /status with paused = true in place of /v1/status); grafana/k6 api/server.go
-- needs: barrier_round
-- says: {members} of {expected} members of {subject} said yes to the release and did not run, {member} among them for {dur_us}; the
--   bound is {bound_us}
-- column member: the first of them
-- column members: how many of them there are
-- column expected: members that the barrier waits for
-- column bound_us: the declared bound of a release
-- impact: the test never begins, and its units are busy with it until somebody stops it
-- diagnosis: barrier.release_acked of that member: does it say whether the member is still paused; compare the path with the API's
-- mitigation: stop the test; mend the request, and take only an answer that shows the new state
WITH
  held AS (
    SELECT
      m.run_id, m.barrier, m.member, m.acked_us, m.ack_position, m.ack_event_id, m.ready_incarnation, r.expected, r.event_id,
      r.release_bound_us AS bound_us, m.acked_us + r.release_bound_us AS due_us,
      least(coalesce(m.ended_us, b.end_us), CASE WHEN r.is_open THEN b.end_us ELSE r.ts_us + r.dur_us END) AS until_us,
      r.is_open AND m.ended_us IS NULL AS is_open
    FROM barrier_member AS m
    JOIN barrier_round AS r ON r.run_id = m.run_id AND r.barrier = m.barrier
    JOIN log_bounds AS b ON b.run_id = m.run_id
    WHERE m.is_expected AND m.acked_us IS NOT NULL AND m.running_us IS NULL
  ),
  alive AS (
    SELECT h.run_id, h.barrier, h.member, min_by(s.event_id, t.position) AS event_id
    FROM held AS h
    JOIN unit_checked AS s ON s.run_id = h.run_id AND s.incarnation = h.ready_incarnation
    JOIN event_time AS t ON t.event_no = s.event_no AND t.at_us > h.due_us AND t.at_us <= h.until_us
    -- What lost lines could explain proves nothing.
    WHERE NOT EXISTS (SELECT 1 FROM evidence_gap AS g WHERE g.run_id = h.run_id AND g.incarnation = h.ready_incarnation)
    GROUP BY h.run_id, h.barrier, h.member
  )
SELECT
  h.run_id, 'barrier' AS subject_kind, h.barrier AS subject_id,
  min(h.acked_us) AS ts_us, max(h.until_us) - min(h.acked_us) AS dur_us, count(*) FILTER (WHERE h.is_open) > 0 AS is_open,
  CASE WHEN count(a.event_id) > 0 THEN 'found' ELSE 'pending' END AS verdict,
  [min(h.event_id), min_by(h.ack_event_id, h.ack_position), min(a.event_id)] AS evidence,
  min_by(h.member, h.ack_position) AS member, count(*) AS members, min(h.expected) AS expected, min(h.bound_us) AS bound_us
FROM held AS h
LEFT JOIN alive AS a ON a.run_id = h.run_id AND a.barrier = h.barrier AND a.member = h.member
WHERE a.event_id IS NOT NULL OR h.is_open
GROUP BY h.run_id, h.barrier
ORDER BY h.run_id, ts_us, subject_id, evidence
