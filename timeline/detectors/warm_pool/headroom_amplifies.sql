-- Headroom that grows with idle workers while demand stays the same.
--
-- Spare capacity follows what users ask for. Where parked workers count as demand, each spare worker asks for more spare
-- workers, and the pool feeds itself.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-21
-- source: duckgres pull 820 (about 1.75 times the demand) and pulls 757, 758
-- needs: headroom_computed
-- says: {subject} went from {desired_before} to {desired} as parked workers went from {hot_idle_before} to {hot_idle}, at equal demand
-- param ratio_percent: 20 change of the wanted slots, in percent, from which it counts
-- column desired_before: slots wanted at first
-- column desired: slots wanted later, at the same demand
-- column hot_idle_before: parked workers at first
-- column hot_idle: parked workers later
-- impact: capacity grows without users, up to its cap
-- diagnosis: compare the terms of the two headroom.computed events; only idle ones differ
-- mitigation: set the headroom to a constant until demand is counted without idle workers
WITH
  computed AS (
    SELECT h.run_id, h.subject_id, h.sessions, h.spawning, h.burst, h.hot_idle, h.desired, t.at_us, t.position, h.event_id
    FROM headroom_computed AS h
    JOIN event_time AS t USING (event_no)
    WHERE h.desired < h.cap
  ),
  compared AS (
    SELECT
      *,
      first_value(event_id) OVER alike AS first_event_id, first_value(at_us) OVER alike AS first_us,
      first_value(hot_idle) OVER alike AS hot_idle_before, first_value(desired) OVER alike AS desired_before
    FROM computed
    WINDOW alike AS (
      PARTITION BY run_id, subject_id, sessions, spawning, burst ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
  )
SELECT
  run_id, 'headroom' AS subject_kind, subject_id, first_us AS ts_us, at_us - first_us AS dur_us, false AS is_open, 'found' AS verdict,
  [first_event_id, event_id] AS evidence,
  desired_before, desired, hot_idle_before, hot_idle
FROM compared
WHERE (hot_idle - hot_idle_before) * (desired - desired_before) > 0
  AND abs(desired - desired_before) * 100 > least(desired, desired_before) * $ratio_percent
QUALIFY row_number() OVER (PARTITION BY run_id, subject_id ORDER BY position) = 1
ORDER BY run_id, ts_us, subject_id, evidence
