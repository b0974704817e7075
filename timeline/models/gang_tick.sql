-- Every turn of a scheduler at a loop: whether it got the lock, and how its tick ended.
--
-- A tick belongs to whoever gets the lock of the loop, so the scheduler that leads changes from tick to tick. One that sits a
-- tick out says so: silence means that it is gone, or stuck. Where the lock is got again after a tick that has no end, that
-- tick was broken off: the lock must have been free.
--
-- column run_id: the run
-- column scheduler: the scheduler
-- column actor: the actor that ticked
-- column loop: name of the loop, and of its lock: reaper, admission
-- column has_lock: whether it got the lock; a turn that is skipped, or fails at the lock, does not
-- column result: completed, failed, skipped; without an end in the log broken_off, where the lock is got again, else open
-- column reason: reason that a skipped or failed tick gives
-- column ts_us: when the turn began
-- column dur_us: how long the lock was held; until the log ends where it is open; 0 for a turn that never had the lock
-- column is_open: nothing in the log ends it
-- column interval_us: time from one turn at the loop to the next, as the schedulers declare it; null where none does
-- column next_us: when the same scheduler had its next turn; null where none is in the log
-- column event_id: the event that began it
-- column end_event_id: the event that ended it
WITH
  turn AS (
    SELECT
      gang_event.run_id, subject_id AS scheduler, actor, loop, kind, reason, at_us, position, event_id,
      lag(kind) OVER loops AS kind_before,
      lead(at_us) OVER loops AS until_us,
      lead(kind) OVER loops AS until_kind,
      lead(reason) OVER loops AS until_reason,
      lead(event_id) OVER loops AS until_event_id
    FROM gang_event
    JOIN event_time USING (event_no)
    WHERE kind IN ('tick.started', 'tick.completed', 'tick.failed', 'tick.skipped')
    WINDOW loops AS (PARTITION BY gang_event.run_id, subject_id, loop ORDER BY position)
  ),
  begun AS (
    SELECT
      *,
      kind = 'tick.started' AND coalesce(until_kind, 'tick.started') IN ('tick.completed', 'tick.failed') AS is_ended,
      lead(at_us) OVER (PARTITION BY run_id, scheduler, loop ORDER BY position) AS next_us,
      first_value(CASE WHEN kind = 'tick.started' THEN at_us END IGNORE NULLS) OVER (
        PARTITION BY run_id, loop ORDER BY position ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
      ) AS taken_us
    FROM turn
    WHERE kind IN ('tick.started', 'tick.skipped') OR (kind = 'tick.failed' AND coalesce(kind_before, 'tick.failed') <> 'tick.started')
  )
SELECT
  begun.run_id, scheduler, actor, loop,
  kind = 'tick.started' AS has_lock,
  CASE
    WHEN kind = 'tick.skipped' THEN 'skipped'
    WHEN kind = 'tick.failed' OR (is_ended AND until_kind = 'tick.failed') THEN 'failed'
    WHEN is_ended THEN 'completed'
    WHEN coalesce(taken_us, next_us) IS NOT NULL THEN 'broken_off'
    ELSE 'open'
  END AS result,
  CASE WHEN kind = 'tick.started' THEN CASE WHEN is_ended THEN until_reason END ELSE reason END AS reason,
  at_us AS ts_us,
  CASE
    WHEN kind <> 'tick.started' THEN 0
    WHEN is_ended THEN until_us - at_us
    ELSE least(coalesce(taken_us, end_us), coalesce(next_us, end_us)) - at_us
  END AS dur_us,
  kind = 'tick.started' AND NOT is_ended AND coalesce(taken_us, next_us) IS NULL AS is_open,
  CASE loop WHEN 'reaper' THEN reaper_tick_us ELSE admission_tick_us END AS interval_us,
  next_us, event_id,
  CASE WHEN is_ended THEN until_event_id END AS end_event_id
FROM begun
JOIN log_bounds ON log_bounds.run_id = begun.run_id
LEFT JOIN gang_config ON gang_config.run_id = begun.run_id
