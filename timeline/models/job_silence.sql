-- Stretches in which a running job gave no sign of life for longer than a job may be silent.
--
-- A sign of life is a durable write to its row: the claim, a heartbeat. Such a stretch begins with the last sign, so it is known
-- for what it is only later.
--
-- column run_id: the run
-- column job: the job
-- column gang: gang that it is a member of; null for a plain job
-- column ts_us: its last sign of life
-- column dur_us: time until its row was written again; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column event_id: the last sign of life
-- column end_event_id: the write that ended it
WITH
  sign AS (
    SELECT
      run_id, job, gang, at_us, to_state, event_id,
      lead(at_us) OVER life AS until_us,
      lead(event_id) OVER life AS end_event_id
    FROM job_write
    WINDOW life AS (PARTITION BY run_id, job ORDER BY position)
  )
SELECT
  sign.run_id, job, gang,
  at_us AS ts_us,
  coalesce(until_us, end_us) - at_us AS dur_us,
  until_us IS NULL AS is_open,
  event_id, end_event_id
FROM sign
JOIN log_bounds ON log_bounds.run_id = sign.run_id
JOIN gang_config ON gang_config.run_id = sign.run_id
WHERE to_state = 'running' AND coalesce(until_us, end_us) - at_us >= job_stale_us
