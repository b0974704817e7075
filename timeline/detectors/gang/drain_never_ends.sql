-- Drain round of a gang that nobody brings to its end.
--
-- A member that does not stop in time is drained by force, and when none runs any more the round is completed. Three whole
-- ticks of the reaper after the time limit are more than both take; a round that is open then stays open.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-15
-- source: Workron, passes 1 and 2 of the reaper (the order matters: one dead worker would block its gang for ever)
-- needs: gang_config, gang_tick
-- says: {subject} has been in drain round {epoch} for {dur_us}, with a limit of {limit_us} and {ticks} ticks of the reaper after it
-- column epoch: number of the round
-- column limit_us: how long a member may take before it is drained by force
-- column ticks: ticks of the reaper that came and went after the limit and left the round open
-- impact: the gang does not run and is not admitted again; the workers of its members may be held
-- diagnosis: `timeline show gang/ID`: which member is still preempting, and what the reaper's ticks did with it
-- mitigation: end the processes of the members that are still preempting, or fail the gang by hand
WITH
  slow AS (
    SELECT r.*, r.ts_us + r.dur_us AS ended_us, c.drain_timeout_us
    FROM gang_round AS r
    JOIN gang_config AS c ON c.run_id = r.run_id
    WHERE r.dur_us > c.drain_timeout_us
  ),
  passed AS (
    SELECT
      s.run_id, s.gang, s.epoch, t.ts_us, t.end_event_id,
      row_number() OVER (PARTITION BY s.run_id, s.gang, s.epoch ORDER BY t.ts_us, t.event_id) AS tick_no
    FROM slow AS s
    JOIN gang_tick AS t ON t.run_id = s.run_id AND t.loop = 'reaper' AND t.result = 'completed'
      AND t.ts_us > s.ts_us + s.drain_timeout_us AND t.ts_us + t.dur_us < s.ended_us
  ),
  counted AS (
    SELECT
      run_id, gang, epoch, count(*) AS ticks, min(end_event_id) FILTER (WHERE tick_no = 3) AS end_event_id
    FROM passed
    GROUP BY run_id, gang, epoch
  )
SELECT
  s.run_id, 'gang' AS subject_kind, s.gang AS subject_id, s.ts_us, s.dur_us, s.is_open,
  CASE WHEN p.ticks >= 3 THEN 'found' ELSE 'pending' END AS verdict,
  [s.event_id, p.end_event_id] AS evidence,
  s.epoch, s.drain_timeout_us AS limit_us, coalesce(p.ticks, 0) AS ticks
FROM slow AS s
LEFT JOIN counted AS p ON p.run_id = s.run_id AND p.gang = s.gang AND p.epoch = s.epoch
WHERE p.ticks >= 3 OR s.is_open
ORDER BY s.run_id, s.ts_us, subject_id, evidence
