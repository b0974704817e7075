-- Member that was done with a test and started it again.
--
-- A unit that says idle when it is done looks like one that has not begun; while the barrier still gathers, its next wake-up
-- starts the same test once more. A new test has a new id, so one id is never started twice after it was done.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-30
-- source: canonical/k6-k8s-operator (relation-changed starts k6 on any idle unit while the application's databag says idle)
-- needs: barrier_member
-- says: {member} was done with {subject} and started it again {after_us} later; it started it {starts} times
-- column member: the unit
-- column after_us: time between the two
-- column starts: how often it started the test
-- impact: the load is other than the test says, and the barrier may never find all its members ready at once
-- diagnosis: `timeline show barrier/ID`: barrier.member_done and barrier.member_started of that unit
-- mitigation: stop the test; keep the id of the last test in the unit's databag and compare it before a start
WITH
  started AS (
    SELECT s.run_id, s.subject_id AS barrier, o.id AS member, t.at_us, t.position, s.event_id
    FROM barrier_member_started AS s
    JOIN event_time AS t ON t.event_no = s.event_no
    JOIN event_object AS o ON o.event_no = s.event_no AND o.role = 'member'
  ),
  again AS (
    SELECT
      m.run_id, m.barrier, m.member, m.done_us, m.done_event_id, min(s.at_us) AS at_us, min_by(s.event_id, s.position) AS event_id
    FROM barrier_member AS m
    JOIN started AS s ON s.run_id = m.run_id AND s.barrier = m.barrier AND s.member = m.member AND s.at_us > m.done_us
    GROUP BY m.run_id, m.barrier, m.member, m.done_us, m.done_event_id
  )
SELECT
  a.run_id, 'barrier' AS subject_kind, a.barrier AS subject_id,
  a.at_us AS ts_us, 0 AS dur_us, false AS is_open, 'found' AS verdict, [a.done_event_id, a.event_id] AS evidence,
  a.member, a.at_us - a.done_us AS after_us,
  (SELECT count(*) FROM started AS s WHERE s.run_id = a.run_id AND s.barrier = a.barrier AND s.member = a.member) AS starts
FROM again AS a
ORDER BY a.run_id, ts_us, subject_id, a.member, evidence
