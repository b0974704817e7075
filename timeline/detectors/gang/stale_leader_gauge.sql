-- Scheduler that shows itself as the reaper's leader after it has lost the lock.
--
-- Whoever gets the lock leads for one tick, and shows it until its next try. A try that fails, or finds the lock taken, ends the
-- claim. A gauge that stays up shows two leaders, or one where there is none. A single reading may fall into the handover.
--
-- severity: info
-- alert_for: 0m
-- catalogue: X-39
-- source: Workron, read in the code (the gauge is not set back where taking the lock fails)
-- needs: gang_tick, scheduler_gauge_observed
-- says: {subject} showed itself as the leader {shows} times in {dur_us}, after its try for the lock had {result}
-- column result: how its last try for the lock ended: failed, been skipped
-- column shows: readings that showed so
-- impact: dashboards show a leader that does nothing, or two
-- diagnosis: `timeline show scheduler/ID`: the errors at the lock
-- mitigation: count completed ticks, and not the gauge
WITH
  -- Within one process the Lamport clock is the order of events, whatever their wall clocks say.
  said AS (
    SELECT e.run_id, e.subject_id AS scheduler, e.clock, t.position, t.at_us, e.event_id, g.has_lock, g.result,
      CAST(NULL AS BIGINT) AS shown
    FROM gang_event AS e
    JOIN event_time AS t ON t.event_no = e.event_no
    JOIN gang_tick AS g ON g.run_id = e.run_id AND g.event_id = e.event_id AND g.loop = 'reaper'
    UNION ALL
    SELECT e.run_id, e.subject_id, e.clock, t.position, t.at_us, e.event_id, CAST(NULL AS BOOLEAN), CAST(NULL AS VARCHAR), e.shown
    FROM scheduler_gauge_observed AS e
    JOIN event_time AS t ON t.event_no = e.event_no
    WHERE e.gauge = 'reaper_leader'
  ),
  numbered AS (
    SELECT *, count(*) FILTER (WHERE shown IS NULL AND has_lock OR shown = 0) OVER process AS reign
    FROM said
    WINDOW process AS (PARTITION BY run_id, scheduler ORDER BY clock, position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  followed AS (
    SELECT
      *,
      max(CASE WHEN NOT has_lock THEN 1 END) OVER reigns AS is_lost,
      first_value(CASE WHEN NOT has_lock THEN event_id END IGNORE NULLS) OVER reigns AS lost_event_id,
      first_value(CASE WHEN NOT has_lock THEN result END IGNORE NULLS) OVER reigns AS lost_result
    FROM numbered
    WINDOW reigns AS (
      PARTITION BY run_id, scheduler, reign ORDER BY clock, position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
  )
SELECT
  run_id, 'scheduler' AS subject_kind, scheduler AS subject_id, min(at_us) AS ts_us, max(at_us) - min(at_us) AS dur_us,
  false AS is_open, 'found' AS verdict,
  [lost_event_id, min_by(event_id, position), max_by(event_id, position)] AS evidence,
  CASE WHEN lost_result = 'failed' THEN 'failed' ELSE 'been skipped' END AS result, count(*) AS shows
FROM followed
WHERE shown = 1 AND is_lost = 1
GROUP BY run_id, scheduler, reign, lost_event_id, lost_result
HAVING count(*) > 1
ORDER BY run_id, ts_us, subject_id, evidence
