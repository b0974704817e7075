-- Each member of each barrier: when it started, was ready, was told to go, ran, and was done.
--
-- A member that was started again for the same barrier has its first times. A process that has no commits of its own is
-- placed on the store's clock by causes, so the moment at which it ran comes with a slack.
--
-- column run_id: the run
-- column barrier: the barrier
-- column member: the unit
-- column is_expected: the opening of the barrier names it
-- column segment: which part of the test it took, from 1
-- column segments: into how many parts it took the test to be split
-- column started_us: when it started its part
-- column ready_us: when its databag said that it holds
-- column ready_incarnation: the pod that said so
-- column attempt_us: when the leader first told it to go on
-- column acked_us: when it first answered that all is well
-- column running_us: when it ran
-- column slack_us: how far that may be from the truth; null where only one side is bounded
-- column ended_us: when its process ended
-- column done_us: when its databag said that its part is over
-- column stopped_us: when its databag said that it was stopped
-- column start_position: place of its start in the run, as of the five below; no two events share one
-- column ready_position: place of its readiness
-- column ack_position: place of that answer
-- column running_position: place of its running
-- column end_position: place of the end of its process
-- column done_position: place of its word that it is done
-- column start_event_id: the event of its start
-- column ready_event_id: the event that it is ready
-- column ack_event_id: the event of that answer
-- column running_event_id: the event that it runs
-- column end_event_id: the event that its process ended
-- column done_event_id: the event that its part is over
WITH
  said AS (
    SELECT
      e.run_id, e.subject_id AS barrier, link.id AS member, e.kind, e.incarnation, segment, segments, at_us, position, event_id, slack_us
    FROM barrier_event AS e
    JOIN event_time AS t ON t.event_no = e.event_no
    JOIN event_object AS link ON link.event_no = e.event_no AND link.role = 'member'
    JOIN actor_clock AS c ON c.run_id = e.run_id AND c.actor = e.actor
    WHERE subject_kind = 'barrier'
  )
SELECT
  run_id,
  barrier,
  member,
  count(*) FILTER (WHERE kind = 'barrier.opened') > 0 AS is_expected,
  min_by(segment, position) FILTER (WHERE kind = 'barrier.member_started') AS segment,
  min_by(segments, position) FILTER (WHERE kind = 'barrier.member_started') AS segments,
  min(at_us) FILTER (WHERE kind = 'barrier.member_started') AS started_us,
  min(at_us) FILTER (WHERE kind = 'barrier.member_ready') AS ready_us,
  min_by(incarnation, position) FILTER (WHERE kind = 'barrier.member_ready') AS ready_incarnation,
  min(at_us) FILTER (WHERE kind = 'barrier.release_attempted') AS attempt_us,
  min(at_us) FILTER (WHERE kind = 'barrier.release_acked') AS acked_us,
  min(at_us) FILTER (WHERE kind = 'barrier.member_running') AS running_us,
  min_by(slack_us, position) FILTER (WHERE kind = 'barrier.member_running') AS slack_us,
  min(at_us) FILTER (WHERE kind = 'barrier.process_ended') AS ended_us,
  min(at_us) FILTER (WHERE kind = 'barrier.member_done') AS done_us,
  min(at_us) FILTER (WHERE kind = 'barrier.member_stopped') AS stopped_us,
  min(position) FILTER (WHERE kind = 'barrier.member_started') AS start_position,
  min(position) FILTER (WHERE kind = 'barrier.member_ready') AS ready_position,
  min(position) FILTER (WHERE kind = 'barrier.release_acked') AS ack_position,
  min(position) FILTER (WHERE kind = 'barrier.member_running') AS running_position,
  min(position) FILTER (WHERE kind = 'barrier.process_ended') AS end_position,
  min(position) FILTER (WHERE kind = 'barrier.member_done') AS done_position,
  min_by(event_id, position) FILTER (WHERE kind = 'barrier.member_started') AS start_event_id,
  min_by(event_id, position) FILTER (WHERE kind = 'barrier.member_ready') AS ready_event_id,
  min_by(event_id, position) FILTER (WHERE kind = 'barrier.release_acked') AS ack_event_id,
  min_by(event_id, position) FILTER (WHERE kind = 'barrier.member_running') AS running_event_id,
  min_by(event_id, position) FILTER (WHERE kind = 'barrier.process_ended') AS end_event_id,
  min_by(event_id, position) FILTER (WHERE kind = 'barrier.member_done') AS done_event_id
FROM said
GROUP BY run_id, barrier, member
