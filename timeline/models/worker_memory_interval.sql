-- What each control plane took a worker for, in its own memory.
--
-- Held against worker_state_interval it shows where memory and store disagree. `forgotten` is a state too.
--
-- column run_id: the run
-- column worker: the worker
-- column control_plane: whose memory
-- column state: state in memory
-- column ts_us: when it began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column event_id: the move that began it
-- column end_event_id: the move that ended it
WITH
  move AS (
    SELECT
      worker_memory_moved.run_id, subject_id AS worker, owner AS control_plane, memory_to AS state, at_us AS ts_us, event_id,
      lead(at_us) OVER life AS until_us,
      lead(event_id) OVER life AS end_event_id
    FROM worker_memory_moved
    JOIN event_time USING (event_no)
    WINDOW life AS (PARTITION BY worker_memory_moved.run_id, subject_id, owner ORDER BY position)
  )
SELECT
  move.run_id, worker, control_plane, state, ts_us,
  coalesce(until_us, end_us) - ts_us AS dur_us,
  until_us IS NULL AS is_open,
  event_id, end_event_id
FROM move
JOIN log_bounds ON log_bounds.run_id = move.run_id
