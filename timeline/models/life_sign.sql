-- Each sign of life of a control plane, and how long it was until the next.
--
-- A sign of life is what the store knows: the registration, a heartbeat, a revival. A stretch longer than the expiry is
-- one in which everybody may take the control plane for gone. An owner of workers that never gives a sign, in a run
-- where others do, is silent from the log's start.
--
-- column run_id: the run
-- column control_plane: the control plane
-- column ts_us: when it gave the sign; the log's start for one that never gave any
-- column dur_us: time until its next sign; until the log ends where there is none
-- column is_open: no sign follows in the log
-- column event_id: the sign; null for one that never gave any
-- column end_event_id: the next sign
WITH
  sign AS (
    SELECT heard.run_id, heard.subject_id AS control_plane, at_us, position, event_id
    FROM control_loop_event AS heard
    JOIN event_time USING (event_no)
    WHERE kind IN ('control_plane.started', 'control_plane.heartbeated', 'control_plane.revived')
  ),
  stretch AS (
    SELECT
      *,
      lead(at_us) OVER life AS until_us,
      lead(event_id) OVER life AS end_event_id
    FROM sign
    WINDOW life AS (PARTITION BY run_id, control_plane ORDER BY at_us, position)
  )
SELECT
  stretch.run_id, control_plane,
  at_us AS ts_us,
  coalesce(until_us, end_us) - at_us AS dur_us,
  until_us IS NULL AS is_open,
  event_id, end_event_id
FROM stretch
JOIN log_bounds ON log_bounds.run_id = stretch.run_id
UNION ALL
SELECT DISTINCT
  written.run_id, owner AS control_plane,
  start_us AS ts_us,
  end_us - start_us AS dur_us,
  true AS is_open,
  CAST(NULL AS VARCHAR) AS event_id,
  CAST(NULL AS VARCHAR) AS end_event_id
FROM worker_write AS written
JOIN log_bounds ON log_bounds.run_id = written.run_id
WHERE owner <> ''
  AND EXISTS (SELECT 1 FROM sign WHERE sign.run_id = written.run_id)
  AND NOT EXISTS (SELECT 1 FROM sign WHERE sign.run_id = written.run_id AND sign.control_plane = written.owner)
