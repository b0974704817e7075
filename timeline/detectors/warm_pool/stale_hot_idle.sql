-- Parked worker kept past its time to live.
--
-- A parked worker is reused or retired within its TTL. One that is neither has leaked: no reaper looks at it, and nothing
-- will until a person does. Each reaper, the leader's and the fallback of every control plane, had its chance.
--
-- severity: warning
-- alert_for: 1m
-- catalogue: X-05
-- source: duckgres pull 820, fixes 1 and 2; kubernetes/autoscaler issue 3753
-- needs: worker_state_interval
-- says: {subject} sat hot_idle for {dur_us}, {overstay_us} past its TTL of {ttl_us}
-- param grace_us: 10000000 time past two passes of the fallback reaper before it counts
-- column ttl_us: the TTL in force when the worker was parked
-- column overstay_us: time past the TTL
-- column cost_vcpu_seconds: size of the worker times the overstay
-- impact: idle capacity is paid for, and autoscaling that counts it grows further
-- diagnosis: see whether anybody led in that time, then whether sweeps listed the worker, then for refused writes on it
-- mitigation: restart one control-plane replica, so that somebody leads; retire the listed workers
WITH
  parked AS (
    SELECT
      w.run_id, w.worker, w.ts_us, w.ts_us + w.dur_us AS ended_us, w.is_open, w.vcpu, w.event_id,
      coalesce(w.ttl_us, c.hot_idle_ttl_us) AS ttl_us, c.fallback_tick_us, 2 * c.fallback_tick_us + $grace_us AS allowed_us
    FROM worker_state_interval AS w
    JOIN run_config AS c ON c.run_id = w.run_id
    WHERE w.state = 'hot_idle' AND w.dur_us > coalesce(w.ttl_us, c.hot_idle_ttl_us)
  ),
  -- A worker that a floor keeps, or that somebody tries in vain to write, is looked after: its time begins again.
  cared AS (
    SELECT run_id, subject_id AS worker, event_no, event_id FROM worker_retire_skipped WHERE reason = 'floor'
    UNION ALL
    SELECT run_id, subject_id AS worker, event_no, event_id FROM worker_commit_failed
  ),
  mark AS (
    SELECT run_id, worker, ts_us, ts_us + ttl_us AS at_us, event_id FROM parked
    UNION ALL
    SELECT p.run_id, p.worker, p.ts_us, t.at_us, cared.event_id
    FROM parked AS p
    JOIN cared ON cared.run_id = p.run_id AND cared.worker = p.worker
    JOIN event_time AS t ON t.event_no = cared.event_no AND t.at_us > p.ts_us + p.ttl_us AND t.at_us < p.ended_us
  ),
  judged AS (
    SELECT
      p.*, m.at_us, m.event_id AS mark_event_id,
      lead(m.at_us) OVER (PARTITION BY m.run_id, m.worker, m.ts_us ORDER BY m.at_us, m.event_id) AS next_us
    FROM mark AS m
    JOIN parked AS p ON p.run_id = m.run_id AND p.worker = m.worker AND p.ts_us = m.ts_us
  )
SELECT
  run_id, 'worker' AS subject_kind, worker AS subject_id,
  ts_us, ended_us - ts_us AS dur_us, is_open,
  CASE WHEN coalesce(next_us, ended_us) > at_us + allowed_us THEN 'found' ELSE 'pending' END AS verdict,
  [event_id] AS evidence,
  ttl_us, ended_us - ts_us - ttl_us AS overstay_us,
  vcpu * (ended_us - ts_us - ttl_us) / 1000000 AS cost_vcpu_seconds
FROM judged
WHERE coalesce(next_us, ended_us) > at_us + allowed_us OR (next_us IS NULL AND is_open AND ended_us > at_us + fallback_tick_us)
QUALIFY row_number() OVER (PARTITION BY run_id, worker, ts_us ORDER BY at_us, mark_event_id) = 1
ORDER BY run_id, ts_us, subject_id, evidence
