-- Barrier that held nothing: members ran before they were released, or not at the same moment.
--
-- A load test that is split over units means something only if its parts start together. A member holds until the leader
-- tells it to go on; one that ran before that was never held. Starts that lie further apart than the tolerance are no start
-- at the same moment, whatever the databags say.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-29
-- source: canonical/k6-k8s-operator (k6 is started without --paused; no test of the charm asserts that units start together)
-- needs: barrier_round
-- says: {early} of {expected} members of {subject} ran before they were released, and the starts lie {start_skew_us} apart, with a
--   tolerance of {skew_tolerance_us}
-- column early: members that ran before anybody told them to
-- column expected: members that the barrier waits for
-- column start_skew_us: time between the first and the last start of a member
-- column skew_tolerance_us: the declared tolerance
-- impact: the load rises in steps and never reaches what the test says; its figures describe another test
-- diagnosis: `timeline show barrier/ID`: does barrier.process_started say is_paused, and which member ran first
-- mitigation: throw the figures of this test away; start k6 with --paused and run it again
WITH
  early AS (
    SELECT
      m.run_id, m.barrier, count(*) AS members, min_by(m.running_event_id, m.running_position) AS event_id
    FROM barrier_member AS m
    WHERE m.running_us IS NOT NULL AND (m.attempt_us IS NULL OR m.running_us + m.slack_us < m.attempt_us)
    GROUP BY m.run_id, m.barrier
  ),
  judged AS (
    SELECT
      r.*, b.end_us, coalesce(e.members, 0) AS early, e.event_id AS early_event_id,
      coalesce(r.start_skew_us - r.slack_us > r.skew_tolerance_us, false) AS is_skewed
    FROM barrier_round AS r
    JOIN log_bounds AS b ON b.run_id = r.run_id
    LEFT JOIN early AS e ON e.run_id = r.run_id AND e.barrier = r.barrier
    WHERE r.running > 0
  )
SELECT
  run_id, 'barrier' AS subject_kind, barrier AS subject_id,
  first_running_us AS ts_us, last_running_us - first_running_us AS dur_us, is_open AND running < expected AS is_open,
  CASE WHEN early > 0 OR is_skewed THEN 'found' ELSE 'pending' END AS verdict,
  [event_id, early_event_id, first_running_event_id, last_running_event_id] AS evidence,
  early, expected, start_skew_us, skew_tolerance_us
FROM judged
WHERE early > 0 OR is_skewed OR (is_open AND running < expected AND end_us - first_running_us > skew_tolerance_us)
ORDER BY run_id, ts_us, subject_id, evidence
