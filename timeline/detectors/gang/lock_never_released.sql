-- Tick that hangs and keeps the lock of its loop, so that nobody else can do the work.
--
-- The lock is held for as long as the tick lasts. A tick that hangs, with its connection open, holds it for ever: each of the
-- others comes at every interval and finds it taken. A long tick that goes on writing is only slow.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-03
-- source: Workron, read in the code (the lock's transaction is open while the tick uses other connections)
-- needs: gang_config, gang_tick
-- says: {subject} holds the lock of the loop {loop} and has said nothing for {dur_us}; {skips} turns of others were skipped for it
-- column loop: the loop, and its lock
-- column skips: turns of others that found the lock taken in that time
-- impact: nothing that the loop does is done: dead workers keep their jobs, or no gang is admitted
-- diagnosis: the last event of that scheduler's loop says where it hangs
-- mitigation: restart that scheduler; its connection drops, and the lock is free
WITH
  held AS (
    SELECT
      t.run_id, t.scheduler, t.actor, t.loop, t.ts_us, t.ts_us + t.dur_us AS ended_us, t.is_open, t.event_id,
      3 * t.interval_us + c.tick_bound_us AS window_us
    FROM gang_tick AS t
    JOIN gang_config AS c ON c.run_id = t.run_id
    WHERE t.result <> 'skipped' AND t.dur_us > t.interval_us
  ),
  -- The last thing that the tick did before it fell silent.
  word AS (
    SELECT h.run_id, h.event_id, max(t.at_us) AS last_us
    FROM held AS h
    JOIN gang_event AS e ON e.run_id = h.run_id AND e.actor = h.actor AND e.incarnation = h.scheduler
    JOIN event_time AS t ON t.event_no = e.event_no AND t.at_us >= h.ts_us AND t.at_us < h.ended_us
    GROUP BY h.run_id, h.event_id
  ),
  skipped AS (
    SELECT
      h.run_id, h.event_id, count(*) AS skips, max(s.ts_us) AS last_us,
      min_by(s.event_id, (s.ts_us, s.event_id)) FILTER (WHERE s.ts_us > w.last_us + h.window_us) AS proof_event_id
    FROM held AS h
    JOIN word AS w ON w.run_id = h.run_id AND w.event_id = h.event_id
    JOIN gang_tick AS s ON s.run_id = h.run_id AND s.loop = h.loop AND s.scheduler <> h.scheduler AND s.result = 'skipped'
      AND s.ts_us > w.last_us AND s.ts_us <= h.ended_us
    GROUP BY h.run_id, h.event_id
  )
SELECT
  h.run_id, 'scheduler' AS subject_kind, h.scheduler AS subject_id, w.last_us AS ts_us, h.ended_us - w.last_us AS dur_us, h.is_open,
  CASE WHEN s.proof_event_id IS NOT NULL THEN 'found' ELSE 'pending' END AS verdict,
  [h.event_id, s.proof_event_id] AS evidence,
  h.loop, coalesce(s.skips, 0) AS skips
FROM held AS h
JOIN word AS w ON w.run_id = h.run_id AND w.event_id = h.event_id
LEFT JOIN skipped AS s ON s.run_id = h.run_id AND s.event_id = h.event_id
WHERE s.proof_event_id IS NOT NULL OR (h.is_open AND s.skips > 0)
ORDER BY h.run_id, ts_us, subject_id, h.loop, evidence
