-- Every durable write to a job's row, in order.
--
-- A write that changes no state is here too (`from_state` and `to_state` are equal): a heartbeat, a checkpoint.
--
-- column run_id: the run
-- column job: the job
-- column gang: gang that it is a member of; null for a plain job
-- column at_us: when the store committed it
-- column position: place in the run
-- column kind: kind of the event
-- column reason: reason that the event gives
-- column from_state: state of the row before; null where the row is new
-- column to_state: state of the row after
-- column worker: worker that the row names after the write
-- column claim: claims of the job so far; never refunded
-- column attempts: attempts that count against the limit after the write
-- column epoch: drains of its gang so far
-- column cpu: CPUs that the job declares to need
-- column event_id: the event
SELECT
  gang_event.run_id, subject_id AS job, gang, at_us, position, kind, reason, from_state, to_state,
  worker, claim, attempts, epoch, cpu, event_id
FROM gang_event
JOIN event_time USING (event_no)
WHERE subject_kind = 'job' AND to_state IS NOT NULL AND outcome = 'committed'
