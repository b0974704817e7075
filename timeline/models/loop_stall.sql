-- Stretches in which a loop of the schedulers stood still: no tick began for more than two of its intervals.
--
-- Whichever scheduler gets the lock of a loop ticks, so a loop stands still when one tick hangs with the lock, when nobody can
-- take the lock, or when there is no scheduler.
--
-- column run_id: the run
-- column loop: name of the loop, and of its lock: reaper, admission
-- column ts_us: when the last tick before it began
-- column dur_us: time until the next tick began; until the log ends where it is open
-- column is_open: no tick began any more
-- column event_id: the last tick before it
-- column end_event_id: the first tick after it
WITH
  tick AS (
    SELECT
      run_id, loop, ts_us, interval_us, event_id,
      lead(ts_us) OVER loops AS until_us,
      lead(event_id) OVER loops AS end_event_id
    FROM gang_tick
    WHERE result IN ('completed', 'open') OR dur_us > 0
    WINDOW loops AS (PARTITION BY run_id, loop ORDER BY ts_us, event_id)
  )
SELECT
  tick.run_id, loop, ts_us,
  coalesce(until_us, end_us) - ts_us AS dur_us,
  until_us IS NULL AS is_open,
  event_id, end_event_id
FROM tick
JOIN log_bounds ON log_bounds.run_id = tick.run_id
WHERE coalesce(until_us, end_us) - ts_us > 2 * interval_us
