-- Replica with two reservations for one and the same intent.
--
-- For a workload's identity and generation there is one active reservation for a scheduling intent at most. A retry after a
-- lost answer, or by a new leader whose cache lags, has to reuse, confirm or conflict with the first; not to make a second.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-19
-- source: lesson 020, invariant 2 (a retry does not create duplicate reservations) and its worked example
-- needs: reservation_interval
-- says: {subject} had {reservations} reservations to {intent} generation {generation}, {first} and {second} first, for {dur_us}
-- column workload: the workload
-- column generation: the generation that both are for
-- column intent: what both are for
-- column first: the reservation that was there
-- column second: the one that was made beside it
-- column apart_us: time between these two
-- column reservations: the first and those that were made beside another
-- impact: a slot of the quota and one of a node are taken twice, and others are refused for it
-- diagnosis: `timeline show replica/ID`: which answer was lost, which leader tried again, and what did its cache know by then
-- mitigation: release the one that is not bound; name reservations for what they are for, so that a retry meets the first
WITH
  beside AS (
    SELECT
      s.run_id, s.replica, s.workload, s.generation, s.intent, s.reservation AS second, s.ts_us, s.event_id,
      min_by(f.reservation, (f.ts_us, f.event_id)) AS first, min_by(f.event_id, (f.ts_us, f.event_id)) AS first_event_id,
      min(f.ts_us) AS first_us,
      least(s.ts_us + s.dur_us, max(f.ts_us + f.dur_us)) AS until_us, s.is_open AND max(f.is_open) AS is_open
    FROM reservation_interval AS s
    JOIN reservation_interval AS f
      ON f.run_id = s.run_id AND f.replica = s.replica AND f.generation = s.generation AND f.intent = s.intent
      AND f.reservation <> s.reservation AND f.ts_us <= s.ts_us AND f.ts_us + f.dur_us > s.ts_us
      AND (f.ts_us < s.ts_us OR f.reservation < s.reservation)
    GROUP BY s.run_id, s.replica, s.workload, s.generation, s.intent, s.reservation, s.ts_us, s.dur_us, s.is_open, s.event_id
  ),
  whole AS (
    SELECT
      *,
      max(until_us) OVER (PARTITION BY run_id, replica, generation, intent) AS last_us,
      max(is_open) OVER (PARTITION BY run_id, replica, generation, intent) AS lasts,
      1 + count(*) OVER (PARTITION BY run_id, replica, generation, intent) AS reservations
    FROM beside
  )
SELECT
  run_id, 'replica' AS subject_kind, replica AS subject_id,
  ts_us, last_us - ts_us AS dur_us, lasts AS is_open, 'found' AS verdict,
  [first_event_id, event_id] AS evidence,
  workload, generation, intent, first, second, ts_us - first_us AS apart_us, reservations
FROM whole
QUALIFY row_number() OVER (PARTITION BY run_id, replica, generation, intent ORDER BY ts_us, second, event_id) = 1
ORDER BY run_id, ts_us, subject_id, evidence
