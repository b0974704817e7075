-- Nobody leads, and work that only a leader does is overdue.
--
-- While no replica holds the lease, dead owners are not expired and their workers belong to nobody who acts. A short gap is
-- an ordinary failover; here it has gone on so long that a worker which was to be reclaimed is still there.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-02
-- source: duckgres pull 820 (six replicas, no leader, about 4000 idle vCPU) and its follow-up on orphans
-- needs: leadership_interval, worker_state_interval, life_sign
-- says: nobody held the {subject} for {dur_us}, and {overdue_workers} workers were overdue, {worker} first
-- param grace_us: 1000000 time past every deadline before it counts
-- column worker: the worker that was overdue first
-- column overdue_workers: workers that became overdue while nobody led
-- impact: idle and orphaned workers pile up and are paid for until somebody leads again
-- diagnosis: the detector lost_without_recontend says which replicas dropped out; `timeline show lease/ID` tells the rest
-- mitigation: restart the control planes one after the other
WITH
  gap AS (
    SELECT
      l.run_id, lease, l.ts_us + l.dur_us AS gap_us, coalesce(l.end_event_id, l.event_id) AS lost_event_id,
      coalesce(lead(l.ts_us) OVER (PARTITION BY l.run_id, lease ORDER BY l.ts_us, term, l.event_id), b.end_us) AS gap_end_us,
      lead(l.ts_us) OVER (PARTITION BY l.run_id, lease ORDER BY l.ts_us, term, l.event_id) IS NULL AS gap_is_open,
      l.is_open AS is_led,
      c.lease_duration_us + c.lease_retry_us + c.tick_us + $grace_us AS failover_us,
      2 * c.fallback_tick_us + $grace_us AS allowed_us
    FROM leadership_interval AS l
    JOIN log_bounds AS b ON b.run_id = l.run_id
    JOIN run_config AS c ON c.run_id = l.run_id
  ),
  due AS (
    SELECT run_id, worker, ts_us + coalesce(ttl_us, hot_idle_ttl_us) AS due_us, ts_us + dur_us AS ended_us, is_open, event_id
    FROM worker_state_interval
    JOIN run_config USING (run_id)
    WHERE state = 'hot_idle'
    UNION ALL
    SELECT
      w.run_id, w.worker, greatest(s.ts_us + c.control_plane_expiry_us + c.orphan_grace_us, w.ts_us) AS due_us,
      least(w.ts_us + w.dur_us, s.ts_us + s.dur_us) AS ended_us, w.is_open AND s.is_open AS is_open, w.event_id
    FROM life_sign AS s
    JOIN run_config AS c ON c.run_id = s.run_id AND s.dur_us > c.control_plane_expiry_us + c.orphan_grace_us
    JOIN worker_state_interval AS w ON w.run_id = s.run_id AND w.owner = s.control_plane AND w.state NOT IN ('retired', 'lost')
    WHERE w.ts_us + w.dur_us > s.ts_us AND w.ts_us < s.ts_us + s.dur_us
  ),
  overdue AS (
    SELECT
      gap.*, due.worker, due.event_id AS worker_event_id, due.is_open,
      least(due.ended_us, gap_end_us) AS until_us,
      greatest(greatest(due_us, gap_us) + allowed_us, gap_us + failover_us) AS overdue_us
    FROM gap
    JOIN due ON due.run_id = gap.run_id AND due.ended_us > gap.gap_us AND due.due_us < gap.gap_end_us
    WHERE NOT gap.is_led AND gap_end_us - gap_us > 0
  ),
  -- A worker that a reaper keeps on purpose is not overdue. Of two reasons the earlier one counts.
  kept AS (
    SELECT o.run_id, o.worker, o.overdue_us
    FROM overdue AS o
    JOIN worker_retire_skipped AS k ON k.run_id = o.run_id AND k.subject_id = o.worker AND k.reason = 'floor'
    JOIN event_time AS t ON t.event_no = k.event_no AND t.at_us BETWEEN o.overdue_us - o.allowed_us AND o.overdue_us
  ),
  backlog AS (
    SELECT * FROM overdue
    WHERE (until_us > overdue_us OR (is_open AND gap_is_open))
      AND NOT EXISTS (
        SELECT 1 FROM kept AS k WHERE k.run_id = overdue.run_id AND k.worker = overdue.worker AND k.overdue_us = overdue.overdue_us
      )
    QUALIFY row_number() OVER (PARTITION BY run_id, lease, gap_us, worker ORDER BY overdue_us, worker_event_id) = 1
  )
SELECT
  run_id, 'lease' AS subject_kind, lease AS subject_id,
  gap_us AS ts_us, gap_end_us - gap_us AS dur_us, gap_is_open AS is_open,
  CASE WHEN until_us > overdue_us THEN 'found' ELSE 'pending' END AS verdict,
  [lost_event_id, worker_event_id] AS evidence,
  worker,
  sum(CASE WHEN until_us > overdue_us THEN 1 ELSE 0 END) OVER (PARTITION BY run_id, lease, gap_us) AS overdue_workers
FROM backlog
QUALIFY row_number() OVER (PARTITION BY run_id, lease, gap_us ORDER BY overdue_us, worker, worker_event_id) = 1
ORDER BY run_id, ts_us, subject_id, evidence
