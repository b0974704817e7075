-- Stretches of an instance's durable life: one state each.
--
-- An instance that the log begins in the middle of has its first stretch from the first move that was seen. The end states
-- `gone` and `lost` have theirs too, open until the log ends.
--
-- column run_id: the run
-- column instance: the instance
-- column slot: the slot that it fills
-- column job: the job of that slot
-- column node: the node that it is allocated to
-- column state: durable state
-- column ts_us: when it began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column next_state: the state after it
-- column event_id: the move that began it
-- column end_event_id: the move that ended it
WITH
  stretch AS (
    SELECT
      e.run_id, subject_id AS instance, slot, workload AS job, node, to_state AS state, at_us, event_id,
      lead(at_us) OVER life AS until_us,
      lead(to_state) OVER life AS next_state,
      lead(event_id) OVER life AS end_event_id
    FROM placement_event AS e
    JOIN event_time USING (event_no)
    WHERE to_state IS NOT NULL AND outcome = 'committed'
    WINDOW life AS (PARTITION BY e.run_id, subject_id ORDER BY at_us, revision, position)
  )
SELECT
  stretch.run_id, instance, slot, job, node, state,
  at_us AS ts_us,
  coalesce(until_us, end_us) - at_us AS dur_us,
  until_us IS NULL AS is_open,
  next_state, event_id, end_event_id
FROM stretch
JOIN log_bounds ON log_bounds.run_id = stretch.run_id
