-- Every drain round of a gang: who began it, how each member came out of it, and what became of the gang.
--
-- A round begins with all running members told to stop and ends when none of the gang runs any more.
--
-- column run_id: the run
-- column gang: the gang
-- column epoch: number of the round
-- column trigger_job: the job that began it
-- column reason: why: reported_failure, stale, reservation_timeout
-- column draining: members that were to stop
-- column acked: members whose own word that they had stopped was taken
-- column rejected: words of members that were refused, repeated ones included
-- column forced: members that the reaper drained by force
-- column result: state of the members at its end: blocked, failed; null where it is open
-- column end_reason: reason of the end
-- column ts_us: when it began
-- column dur_us: how long it took; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column event_id: the event that began it
-- column end_event_id: the event that ended it
WITH
  begun AS (
    SELECT s.run_id, s.subject_id AS gang, s.epoch, s.triggered_by, s.reason, s.draining, t.at_us, s.event_id
    FROM gang_drain_started AS s
    JOIN event_time AS t USING (event_no)
  ),
  ended AS (
    SELECT c.run_id, c.subject_id AS gang, c.epoch, c.result, c.reason, t.at_us, c.event_id
    FROM gang_drain_completed AS c
    JOIN event_time AS t USING (event_no)
  ),
  -- A refused ack belongs to the round that the row was in, whatever epoch the worker gave.
  told AS (
    SELECT run_id, gang, epoch, kind FROM job_write WHERE kind IN ('job.preempted', 'job.force_drained')
    UNION ALL
    SELECT r.run_id, r.workload AS gang, r.want_epoch AS epoch, r.kind
    FROM job_ack_rejected AS r
    JOIN event_time USING (event_no)
  ),
  counted AS (
    SELECT
      run_id, gang, epoch,
      count(*) FILTER (WHERE kind = 'job.preempted') AS acked,
      count(*) FILTER (WHERE kind = 'job.force_drained') AS forced,
      count(*) FILTER (WHERE kind = 'job.ack_rejected') AS rejected
    FROM told
    GROUP BY run_id, gang, epoch
  )
SELECT
  b.run_id, b.gang, b.epoch, b.triggered_by AS trigger_job, b.reason, b.draining,
  coalesce(n.acked, 0) AS acked, coalesce(n.rejected, 0) AS rejected, coalesce(n.forced, 0) AS forced,
  e.result, e.reason AS end_reason,
  b.at_us AS ts_us,
  coalesce(e.at_us, l.end_us) - b.at_us AS dur_us,
  e.at_us IS NULL AS is_open,
  b.event_id, e.event_id AS end_event_id
FROM begun AS b
JOIN log_bounds AS l ON l.run_id = b.run_id
LEFT JOIN ended AS e ON e.run_id = b.run_id AND e.gang = b.gang AND e.epoch = b.epoch
LEFT JOIN counted AS n ON n.run_id = b.run_id AND n.gang = b.gang AND n.epoch = b.epoch
