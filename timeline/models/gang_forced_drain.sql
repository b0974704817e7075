-- Every member that was drained by force, and why nobody had said that it had stopped.
--
-- A forced drain is no fault by itself: the member's worker may be dead. It is one where the member did stop and its word was
-- not taken, or where nobody was left who could have said it.
--
-- column run_id: the run
-- column job: the member
-- column gang: its gang
-- column epoch: number of the round
-- column worker: worker that had claimed it
-- column cause: rejected_acks, trigger_already_exited, exited_before_signal, dead_worker, unknown
-- column round_reason: why the round began; null where the log does not have it
-- column ts_us: when the member was told to stop
-- column dur_us: how long it was preempting
-- column event_id: the forced drain
-- column cause_event_id: the event that shows the cause
-- column round_event_id: the beginning of the round
WITH
  forced AS (
    SELECT
      f.run_id, f.subject_id AS job, f.gang, f.epoch, f.claim, t.at_us, t.at_us - f.age_us AS since_us, f.age_us, f.event_id,
      a.worker, r.trigger_job, r.reason AS round_reason, r.event_id AS round_event_id, c.job_heartbeat_us
    FROM job_force_drained AS f
    JOIN event_time AS t USING (event_no)
    JOIN gang_config AS c ON c.run_id = f.run_id
    LEFT JOIN job_attempt AS a ON a.run_id = f.run_id AND a.job = f.subject_id AND a.claim = f.claim
    LEFT JOIN gang_round AS r ON r.run_id = f.run_id AND r.gang = f.gang AND r.epoch = f.epoch
  ),
  refused AS (
    SELECT
      f.run_id, f.event_id,
      min_by(e.event_id, t.position) FILTER (WHERE e.kind = 'job.ack_rejected' AND e.fence = 'epoch') AS ack_event_id,
      min_by(e.event_id, t.position) FILTER (WHERE e.kind <> 'job.ack_rejected' AND e.fence = 'state') AS end_event_id
    FROM forced AS f
    JOIN gang_event AS e ON e.run_id = f.run_id AND e.subject_id = f.job AND e.reported_claim = f.claim
      AND e.kind IN ('job.ack_rejected', 'job.done_rejected', 'job.fail_rejected') AND e.state = 'preempting'
    JOIN event_time AS t ON t.event_no = e.event_no
    GROUP BY f.run_id, f.event_id
  ),
  -- A worker that died at the very moment may have been heard of once more.
  heard AS (
    SELECT DISTINCT f.run_id, f.event_id
    FROM forced AS f
    JOIN worker_checked_in AS s ON s.run_id = f.run_id AND s.subject_id = f.worker
    JOIN event_time AS t ON t.event_no = s.event_no AND t.at_us > f.since_us + f.job_heartbeat_us AND t.at_us <= f.at_us
  ),
  judged AS (
    SELECT
      f.*, r.ack_event_id, r.end_event_id,
      CASE
        WHEN r.ack_event_id IS NOT NULL THEN 'rejected_acks'
        WHEN f.job = f.trigger_job AND f.round_reason = 'reported_failure' THEN 'trigger_already_exited'
        WHEN r.end_event_id IS NOT NULL THEN 'exited_before_signal'
        WHEN f.worker IS NOT NULL AND h.event_id IS NULL THEN 'dead_worker'
        ELSE 'unknown'
      END AS cause
    FROM forced AS f
    LEFT JOIN refused AS r ON r.run_id = f.run_id AND r.event_id = f.event_id
    LEFT JOIN heard AS h ON h.run_id = f.run_id AND h.event_id = f.event_id
  )
SELECT
  run_id, job, gang, epoch, worker, cause, round_reason, since_us AS ts_us, age_us AS dur_us, event_id,
  CASE
    WHEN cause = 'rejected_acks' THEN ack_event_id
    WHEN cause = 'trigger_already_exited' THEN round_event_id
    WHEN cause = 'exited_before_signal' THEN end_event_id
  END AS cause_event_id,
  round_event_id
FROM judged
