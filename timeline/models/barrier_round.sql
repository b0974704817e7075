-- Each barrier from its opening to its close, with the bounds in force and the skew of the starts that was seen.
--
-- A barrier whose opening the log does not have is not here: nobody knows who its members were, nor what had come before.
-- Members are those that the opening names.
--
-- column run_id: the run
-- column barrier: the barrier
-- column ts_us: when it was opened
-- column dur_us: how long it was open; until the log ends where it is
-- column is_open: nothing in the log closes it
-- column closed_reason: why it was closed
-- column expected: members that it waits for
-- column ready: members that have been ready
-- column running: members that have run
-- column done: members that are done
-- column all_ready_us: when the last member was ready; null where one never was
-- column first_attempt_us: when the first member was told to go on
-- column first_acked_us: when the first member answered
-- column first_running_us: when the first member ran
-- column last_running_us: when the last of those that ran did
-- column start_skew_us: time between the two
-- column slack_us: how far that may be from the truth; null where the clock of a member is not bounded
-- column all_done_us: when the last member was done; null where one never was
-- column ready_bound_us: time from the opening in which every member is to be ready
-- column release_bound_us: time from the first release in which every member is to be released
-- column run_bound_us: time from the release in which every member is to be done
-- column skew_tolerance_us: time between the first and the last start that still counts as the same moment
-- column settle_bound_us: time in which a unit is to say that its process has ended
-- column tick_us: interval of the regular wake-up
-- column duty_us: how late the leader's duty may be done: two wake-ups, a change of leader and a failed hook that is run again
-- column event_id: the opening
-- column end_event_id: the close
-- column last_ready_event_id: the last event of readiness
-- column first_ack_event_id: the first answer to a release
-- column first_running_event_id: the first start
-- column last_running_event_id: the last start
-- column last_done_event_id: the last event that a member is done
WITH
  opened AS (
    SELECT o.*, t.at_us, t.position
    FROM barrier_opened AS o
    JOIN event_time AS t ON t.event_no = o.event_no
    QUALIFY row_number() OVER (PARTITION BY o.run_id, o.subject_id ORDER BY t.position) = 1
  ),
  closed AS (
    SELECT c.run_id, c.subject_id AS barrier, c.reason, c.event_id, t.at_us
    FROM barrier_closed AS c
    JOIN event_time AS t ON t.event_no = c.event_no
    QUALIFY row_number() OVER (PARTITION BY c.run_id, c.subject_id ORDER BY t.position) = 1
  ),
  members AS (
    SELECT
      run_id, barrier, count(ready_us) AS ready, count(running_us) AS running, count(done_us) AS done,
      max(ready_us) AS last_ready_us, min(attempt_us) AS first_attempt_us, min(acked_us) AS first_acked_us,
      min(running_us) AS first_running_us, max(running_us) AS last_running_us, max(done_us) AS last_done_us,
      CASE WHEN count(running_us) = count(slack_us) THEN 2 * max(slack_us) END AS slack_us,
      max_by(ready_event_id, ready_position) AS last_ready_event_id, min_by(ack_event_id, ack_position) AS first_ack_event_id,
      min_by(running_event_id, running_position) AS first_running_event_id,
      max_by(running_event_id, running_position) AS last_running_event_id, max_by(done_event_id, done_position) AS last_done_event_id
    FROM barrier_member
    WHERE is_expected
    GROUP BY run_id, barrier
  )
SELECT
  o.run_id, o.subject_id AS barrier, o.at_us AS ts_us,
  coalesce(c.at_us, b.end_us) - o.at_us AS dur_us, c.event_id IS NULL AS is_open, c.reason AS closed_reason,
  o.expected, m.ready, m.running, m.done,
  CASE WHEN m.ready = o.expected THEN m.last_ready_us END AS all_ready_us,
  m.first_attempt_us, m.first_acked_us, m.first_running_us, m.last_running_us,
  m.last_running_us - m.first_running_us AS start_skew_us, m.slack_us,
  CASE WHEN m.done = o.expected THEN m.last_done_us END AS all_done_us,
  o.ready_bound_us, o.release_bound_us, o.run_bound_us, o.skew_tolerance_us, o.settle_bound_us, o.tick_us,
  2 * o.tick_us + o.leader_lease_us + o.hook_retry_us AS duty_us,
  o.event_id, c.event_id AS end_event_id,
  m.last_ready_event_id, m.first_ack_event_id, m.first_running_event_id, m.last_running_event_id, m.last_done_event_id
FROM opened AS o
JOIN members AS m ON m.run_id = o.run_id AND m.barrier = o.subject_id
JOIN log_bounds AS b ON b.run_id = o.run_id
LEFT JOIN closed AS c ON c.run_id = o.run_id AND c.barrier = o.subject_id
