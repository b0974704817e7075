-- Gang of which a part runs, or has ended, and the rest waits for good.
--
-- A gang is admitted as a whole. Members that are blocked while others run will not be admitted, for not all are blocked; and
-- members that are blocked while others have ended never will be. Only a drain round, or the end of the gang, leads out.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-25
-- source: Workron (a member that was not claimed in time is rolled back alone); volcano-sh/volcano issue 3373
-- needs: gang_config, gang_tick
-- says: {subject} had {running} members running, {ended} ended and {blocked} blocked for {dur_us}, and no drain round led out of it
-- column running: members that ran
-- column ended: members that were done or had failed
-- column blocked: members that were blocked
-- impact: the members that run wait for their peers and hold their workers; the job is never done
-- diagnosis: `timeline show gang/ID`: which reservation timed out, or which member ended alone
-- mitigation: fail one of its running members, so that the gang is drained and admitted again as a whole
WITH
  mix AS (
    SELECT
      m.*, m.done + m.failed AS ended,
      CASE
        WHEN m.blocked = 0 OR m.preempting + m.preempted > 0 THEN NULL
        WHEN m.running > 0 THEN 'running'
        WHEN m.reserved = 0 AND m.pending = 0 AND m.done + m.failed > 0 THEN 'ended'
      END AS sort
    FROM gang_census AS m
  ),
  marked AS (
    SELECT
      *, CASE WHEN lag(sort) OVER (PARTITION BY run_id, gang ORDER BY ts_us, event_id) IS DISTINCT FROM sort THEN 1 ELSE 0 END AS is_new
    FROM mix
  ),
  numbered AS (
    SELECT *, sum(is_new) OVER so_far AS stretch
    FROM marked
    WINDOW so_far AS (PARTITION BY run_id, gang ORDER BY ts_us, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  stuck AS (
    SELECT
      n.run_id, n.gang, n.sort, min(n.ts_us) AS ts_us, max(n.ts_us + n.dur_us) AS ended_us,
      max_by(n.is_open, (n.ts_us, n.event_id)) AS is_open, min_by(n.event_id, (n.ts_us, n.event_id)) AS event_id,
      min_by(n.running, (n.ts_us, n.event_id)) AS running, min_by(n.ended, (n.ts_us, n.event_id)) AS ended,
      min_by(n.blocked, (n.ts_us, n.event_id)) AS blocked,
      CASE WHEN n.sort = 'running' THEN 'admission' ELSE 'reaper' END AS loop,
      max(CASE WHEN n.sort = 'running' THEN c.reservation_timeout_us + 2 * c.admission_tick_us ELSE 2 * c.reaper_tick_us END) AS window_us
    FROM numbered AS n
    JOIN gang_config AS c ON c.run_id = n.run_id
    WHERE n.sort IS NOT NULL
    GROUP BY n.run_id, n.gang, n.stretch, n.sort
  ),
  -- A whole tick of the loop that could have helped: it came after the window and went, and nothing had changed.
  passed AS (
    SELECT s.run_id, s.gang, s.ts_us, min_by(t.end_event_id, (t.ts_us, t.end_event_id)) AS end_event_id
    FROM stuck AS s
    JOIN gang_tick AS t ON t.run_id = s.run_id AND t.loop = s.loop AND t.result = 'completed'
      AND t.ts_us > s.ts_us + s.window_us AND t.ts_us + t.dur_us < s.ended_us
    GROUP BY s.run_id, s.gang, s.ts_us
  )
SELECT
  s.run_id, 'gang' AS subject_kind, s.gang AS subject_id, s.ts_us, s.ended_us - s.ts_us AS dur_us, s.is_open,
  CASE WHEN p.end_event_id IS NOT NULL THEN 'found' ELSE 'pending' END AS verdict,
  [s.event_id, p.end_event_id] AS evidence,
  s.running, s.ended, s.blocked
FROM stuck AS s
LEFT JOIN passed AS p ON p.run_id = s.run_id AND p.gang = s.gang AND p.ts_us = s.ts_us
WHERE p.end_event_id IS NOT NULL OR s.is_open
ORDER BY s.run_id, s.ts_us, subject_id, evidence
