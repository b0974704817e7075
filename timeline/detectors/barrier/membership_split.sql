-- Members of one test that did not take parts which add up to it.
--
-- A test is split over its members by order of name: part i of N. That works only if all of them take the same members for
-- the test's; the opening of the barrier says which. A member that counts for itself, when it starts, counts others.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-31
-- source: canonical/k6-k8s-operator pull 27 (each unit splits by the units that it sees when it starts)
-- needs: barrier_round
-- says: {member} took part {segment} of {segments} of {subject}, which was opened for {expected} members; {members} took a part that does
--   not fit
-- column member: the first member whose part does not fit
-- column segment: the part that it took
-- column segments: into how many it took the test to be split
-- column members: how many members took a part that does not fit
-- column expected: members that the opening names
-- impact: parts of the test run twice or never; its figures describe another test
-- diagnosis: `timeline show barrier/ID`: which unit was started between the opening and that member's start
-- mitigation: throw the figures of this test away and run it again; add and remove units between tests only
WITH
  part AS (
    SELECT
      m.*, r.expected, r.event_id, r.is_open, r.ts_us + r.dur_us AS until_us,
      count(*) OVER (PARTITION BY m.run_id, m.barrier, m.segment) AS takers
    FROM barrier_member AS m
    JOIN barrier_round AS r ON r.run_id = m.run_id AND r.barrier = m.barrier
    WHERE m.started_us IS NOT NULL
  )
SELECT
  run_id, 'barrier' AS subject_kind, barrier AS subject_id,
  min(started_us) AS ts_us, max(until_us) - min(started_us) AS dur_us, max(CASE WHEN is_open THEN 1 ELSE 0 END) = 1 AS is_open,
  'found' AS verdict, [min(event_id), min_by(start_event_id, start_position), max_by(start_event_id, start_position)] AS evidence,
  min_by(member, start_position) AS member, min_by(segment, start_position) AS segment, min_by(segments, start_position) AS segments,
  count(*) AS members, min(expected) AS expected
FROM part
WHERE segments <> expected OR takers > 1 OR NOT is_expected
GROUP BY run_id, barrier
ORDER BY run_id, ts_us, subject_id, evidence
