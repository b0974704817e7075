-- Barrier that waits for longer than any bound allows, with units alive that could go on.
--
-- Nothing in a barrier tells waiting from stuck but a bound. Four waits have one: until all are ready, until the leader
-- releases, until all are done, until the leader closes. The leader has two wake-ups, a change of leader and a failed hook
-- that is run again as time for its part. A finding says which wait it is and which bound was passed.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-30
-- source: canonical/k6-k8s-operator (no bound anywhere; the release is looked at in relation-changed only; a lost pod stays busy)
-- needs: barrier_round
-- says: {subject} waited {dur_us} for {waits_for}, with a bound of {bound_us}; {ready} of {expected} members had been
--   ready, {done} were done
-- column waits_for: what it waits for: the last member to be ready, its release, the last member to be done, its close
-- column bound_us: how long that may take, by the bounds that the opening declares
-- column ready: members that had been ready
-- column done: members that were done
-- column expected: members that it waits for
-- impact: the units are busy and every new start is refused
-- diagnosis: `timeline show barrier/ID`; who led when the last member was ready, and what did unit.checked of that unit see
-- mitigation: run the stop action on the leader; where a pod was lost, clear its databag
WITH
  -- A wait ends with the next step, with a later one where the log has lost that, or with the close.
  wait AS (
    SELECT
      *, 'the last member to be ready' AS waits_for, ts_us AS since_us, event_id AS since_event_id,
      ready_bound_us + duty_us AS bound_us, coalesce(all_ready_us, first_attempt_us) AS next_us
    FROM barrier_round
    UNION ALL
    SELECT
      *, 'its release' AS waits_for, all_ready_us AS since_us, last_ready_event_id AS since_event_id,
      duty_us AS bound_us, coalesce(first_attempt_us, all_done_us) AS next_us
    FROM barrier_round
    WHERE all_ready_us IS NOT NULL
    UNION ALL
    SELECT
      *, 'the last member to be done' AS waits_for, first_acked_us AS since_us, first_ack_event_id AS since_event_id,
      run_bound_us + duty_us AS bound_us, all_done_us AS next_us
    FROM barrier_round
    WHERE first_acked_us IS NOT NULL
    UNION ALL
    SELECT
      *, 'its close' AS waits_for, all_done_us AS since_us, last_done_event_id AS since_event_id,
      duty_us AS bound_us, CAST(NULL AS BIGINT) AS next_us
    FROM barrier_round
    WHERE all_done_us IS NOT NULL
  ),
  waited AS (
    SELECT
      *, is_open AND next_us IS NULL AS is_waiting, least(coalesce(next_us, ts_us + dur_us), ts_us + dur_us) AS until_us
    FROM wait
  ),
  alive AS (
    SELECT w.run_id, w.barrier, w.waits_for, min_by(s.event_id, t.position) AS event_id
    FROM waited AS w
    JOIN unit_checked AS s ON s.run_id = w.run_id
    JOIN event_time AS t ON t.event_no = s.event_no AND t.at_us > w.since_us + w.bound_us AND t.at_us <= w.until_us
    GROUP BY w.run_id, w.barrier, w.waits_for
  )
SELECT
  w.run_id, 'barrier' AS subject_kind, w.barrier AS subject_id,
  w.since_us AS ts_us, w.until_us - w.since_us AS dur_us, w.is_waiting AS is_open,
  CASE WHEN a.event_id IS NOT NULL THEN 'found' ELSE 'pending' END AS verdict,
  [w.event_id, w.since_event_id, a.event_id] AS evidence,
  w.waits_for, w.bound_us, w.ready, w.done, w.expected
FROM waited AS w
LEFT JOIN alive AS a ON a.run_id = w.run_id AND a.barrier = w.barrier AND a.waits_for = w.waits_for
WHERE a.event_id IS NOT NULL OR (w.is_waiting AND 2 * (w.until_us - w.since_us) > w.bound_us)
ORDER BY w.run_id, ts_us, subject_id, w.waits_for, evidence
