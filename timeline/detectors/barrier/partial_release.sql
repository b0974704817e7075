-- Barrier that was released for some of its members and not for others.
--
-- A release is one step for all members. Where it stops half way, those that were released run alone. Tries that are under
-- way have a declared bound; after it the leader has to give the whole test up.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-30
-- source: canonical/k6-k8s-operator (an error of one endpoint ends the loop; Juju runs the hook again much later)
-- needs: barrier_round
-- says: {subject} was released for {acked} of {expected} members and held {member} for {dur_us} more, with a bound of {bound_us}
-- column member: a member that was not released
-- column acked: members that were released in time
-- column expected: members that the barrier waits for
-- column bound_us: the declared bound of a release and one wake-up
-- impact: part of the load runs, and the rest comes later or never
-- diagnosis: barrier.release_failed of that member, and unit.hook_failed of the leader after it
-- mitigation: stop the test and run it again; try each member again by itself
WITH
  held AS (
    SELECT
      r.run_id, r.barrier, m.member, r.expected, r.event_id, r.first_acked_us, r.first_ack_event_id, f.incarnation,
      r.release_bound_us + r.tick_us AS bound_us, r.first_acked_us + r.release_bound_us + r.tick_us AS due_us,
      least(coalesce(m.acked_us, r.ts_us + r.dur_us), r.ts_us + r.dur_us) AS until_us, m.acked_us IS NULL AND r.is_open AS is_open,
      (
        SELECT count(*)
        FROM barrier_member AS a
        WHERE a.run_id = r.run_id AND a.barrier = r.barrier AND a.acked_us <= r.first_acked_us + r.release_bound_us + r.tick_us
      ) AS acked
    FROM barrier_round AS r
    JOIN barrier_member AS m ON m.run_id = r.run_id AND m.barrier = r.barrier AND m.is_expected
    JOIN event AS f ON f.run_id = r.run_id AND f.event_id = r.first_ack_event_id
    WHERE m.acked_us IS NULL OR m.acked_us > r.first_acked_us + r.release_bound_us
  ),
  -- A leader that died in the middle of it is another matter: what counts is that this one lived and did not go on.
  alive AS (
    SELECT h.run_id, h.barrier, h.member, min_by(s.event_id, t.position) AS event_id
    FROM held AS h
    JOIN barrier_event AS s ON s.run_id = h.run_id AND s.incarnation = h.incarnation
    JOIN event_time AS t ON t.event_no = s.event_no AND t.at_us > h.due_us AND t.at_us <= h.until_us
    GROUP BY h.run_id, h.barrier, h.member
  )
SELECT
  h.run_id, 'barrier' AS subject_kind, h.barrier AS subject_id,
  h.first_acked_us AS ts_us, h.until_us - h.first_acked_us AS dur_us, h.is_open,
  CASE WHEN a.event_id IS NOT NULL THEN 'found' ELSE 'pending' END AS verdict,
  [h.event_id, h.first_ack_event_id, a.event_id] AS evidence,
  h.member, h.acked, h.expected, h.bound_us
FROM held AS h
LEFT JOIN alive AS a ON a.run_id = h.run_id AND a.barrier = h.barrier AND a.member = h.member
WHERE a.event_id IS NOT NULL OR (h.is_open AND 2 * (h.until_us - h.first_acked_us) > h.bound_us)
QUALIFY row_number() OVER (
  PARTITION BY h.run_id, h.barrier ORDER BY CASE WHEN a.event_id IS NULL THEN 1 ELSE 0 END, h.member, a.event_id
) = 1
ORDER BY h.run_id, ts_us, subject_id, evidence
