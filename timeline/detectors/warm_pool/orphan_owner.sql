-- Worker whose owner is gone and which nobody took over.
--
-- Every start of a control plane has a new identity, so each rollout leaves rows behind. An orphan sweep takes them when the
-- owner counts as gone. Where no sweep runs, or the sweep cannot see them, they stay for good.
--
-- severity: critical
-- alert_for: 1m
-- catalogue: X-14
-- source: duckgres pull 820, fix 2 and its follow-up: orphans are listed by an owner state that only a leader writes
-- needs: worker_state_interval, life_sign, sweep_step
-- says: {subject} has been {state} without an owner for {orphaned_us}: {control_plane} is silent ({sub_verdict})
-- param grace_us: 10000000 time past expiry, grace and two fallback passes before it counts
-- column state: state of the row
-- column control_plane: the owner
-- column orphaned_us: time since the owner fell silent
-- column sub_verdict: invisible_to_sweep where orphan sweeps ran and listed nothing, no_sweep where none ran, else not_reclaimed
-- column cost_vcpu_seconds: size of the worker times the time in which it was to be taken over
-- impact: the worker is paid for and nobody may use it; after each rollout there are more
-- diagnosis: who led in that time; did steps named orphan run, and what did they list; was control_plane.expired ever said
-- mitigation: restart one control plane so that somebody leads; else mark the dead owner as expired, or retire the workers
WITH
  silence AS (
    SELECT
      s.run_id, s.control_plane, s.ts_us, s.ts_us + s.dur_us AS ended_us, s.is_open, s.event_id, c.control_plane_expiry_us AS expiry_us,
      s.ts_us + c.control_plane_expiry_us + c.orphan_grace_us AS due_us,
      s.ts_us + c.control_plane_expiry_us + c.orphan_grace_us + 2 * c.fallback_tick_us + $grace_us AS overdue_us
    FROM life_sign AS s
    JOIN run_config AS c ON c.run_id = s.run_id
    WHERE s.dur_us > c.control_plane_expiry_us
  ),
  orphan AS (
    SELECT
      s.*, w.worker, w.state, w.vcpu, w.is_open AS row_is_open, w.event_id AS row_event_id,
      least(w.ts_us + w.dur_us, s.ended_us) AS until_us
    FROM silence AS s
    JOIN worker_state_interval AS w ON w.run_id = s.run_id AND w.owner = s.control_plane AND w.state NOT IN ('retired', 'lost')
      AND w.ts_us <= s.overdue_us AND w.ts_us + w.dur_us > s.ts_us
      AND (w.ts_us + w.dur_us > s.overdue_us OR w.is_open)
      -- A row that began to drain since is being ended by a reaper.
      AND (w.state <> 'draining' OR w.ts_us <= s.ts_us + s.expiry_us)
    WHERE s.ended_us > s.overdue_us OR s.is_open
  ),
  swept AS (
    SELECT s.run_id, s.control_plane, s.ts_us, count(*) AS passes, max(coalesce(p.listed, 0)) AS listed
    FROM silence AS s
    JOIN sweep_step AS p ON p.run_id = s.run_id AND p.step LIKE '%orphan%' AND p.at_us > s.due_us AND p.at_us <= s.overdue_us
    GROUP BY s.run_id, s.control_plane, s.ts_us
  )
SELECT
  o.run_id, 'worker' AS subject_kind, o.worker AS subject_id,
  o.ts_us, o.until_us - o.ts_us AS dur_us, o.is_open AND o.row_is_open AS is_open,
  CASE WHEN o.until_us > o.overdue_us THEN 'found' ELSE 'pending' END AS verdict,
  [o.event_id, o.row_event_id] AS evidence,
  o.state, o.control_plane, o.until_us - o.ts_us AS orphaned_us,
  CASE WHEN s.passes IS NULL THEN 'no_sweep' WHEN s.listed = 0 THEN 'invisible_to_sweep' ELSE 'not_reclaimed' END AS sub_verdict,
  o.vcpu * greatest(o.until_us - o.due_us, 0) / 1000000 AS cost_vcpu_seconds
FROM orphan AS o
LEFT JOIN swept AS s ON s.run_id = o.run_id AND s.control_plane = o.control_plane AND s.ts_us = o.ts_us
WHERE o.until_us > o.overdue_us OR (o.is_open AND o.row_is_open)
ORDER BY o.run_id, o.ts_us, subject_id, evidence
