-- Gang that is placed again and again on a worker which does not come for its member.
--
-- A placement that a worker lets time out holds all the other workers for nothing. Once is a late worker; three times on a
-- worker that is alive is a placement that does not see what the worker is busy with.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-22
-- source: Workron, read in the code (the capacity does not count plain jobs); kubernetes-sigs/kueue issue 12656
-- needs: gang_config, worker_registered
-- says: {subject} was placed on {worker} {times} times within {dur_us} and never claimed there; the worker was busy with {busy_with}
-- param times: 3 placements that time out before it counts
-- column worker: a worker that did not come
-- column times: how often the placement timed out
-- column busy_with: the job that the worker said it was running; nobody where it said none
-- column cost_worker_seconds: members of the gang times the time that its placements lay there in vain
-- impact: the gang does not start, and the workers of its other members wait idle for each timeout
-- diagnosis: `timeline show worker/ID`: what it runs; compare with what the admission counted
-- mitigation: take the worker out, or end the job that it runs
WITH
  placed AS (
    SELECT
      run_id, gang, worker, ts_us, ts_us + dur_us AS ended_us, event_id, end_event_id,
      CASE WHEN next_state = 'blocked' AND next_reason = 'reservation_timeout' THEN 1 ELSE 0 END AS is_timeout,
      CASE WHEN next_state = 'running' THEN 1 ELSE 0 END AS is_claim
    FROM job_state_interval
    WHERE state = 'reserved' AND gang IS NOT NULL AND NOT is_open
  ),
  streak AS (
    SELECT
      *, sum(is_claim) OVER so_far AS claims
    FROM placed
    WINDOW so_far AS (PARTITION BY run_id, gang, worker ORDER BY ts_us, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  churn AS (
    SELECT
      run_id, gang, worker, claims, count(*) AS times, min(ts_us) AS ts_us, max(ended_us) AS ended_us, max(ts_us) AS last_us,
      min_by(event_id, (ts_us, event_id)) AS event_id, max_by(end_event_id, (ts_us, event_id)) AS end_event_id
    FROM streak
    WHERE is_timeout = 1
    GROUP BY run_id, gang, worker, claims
    HAVING count(*) >= $times
  ),
  -- A worker that is dead does not come either; the count of the living soon leaves it out.
  heard AS (
    SELECT
      c.run_id, c.gang, c.worker, c.claims, max_by(w.busy_with, t.position) AS busy_with, max_by(w.event_id, t.position) AS event_id
    FROM churn AS c
    JOIN worker_checked_in AS w ON w.run_id = c.run_id AND w.subject_id = c.worker
    JOIN event_time AS t ON t.event_no = w.event_no AND t.at_us BETWEEN c.last_us AND c.ended_us
    GROUP BY c.run_id, c.gang, c.worker, c.claims
  ),
  in_vain AS (
    SELECT c.run_id, c.gang, c.worker, c.claims, sum(r.size * r.dur_us) / 1000000 AS worker_seconds
    FROM churn AS c
    JOIN gang_reservation AS r ON r.run_id = c.run_id AND r.gang = c.gang AND r.ended_by = 'rolled_back'
      AND r.ts_us BETWEEN c.ts_us AND c.last_us
    GROUP BY c.run_id, c.gang, c.worker, c.claims
  )
SELECT
  c.run_id, 'gang' AS subject_kind, c.gang AS subject_id, c.ts_us, c.ended_us - c.ts_us AS dur_us, false AS is_open, 'found' AS verdict,
  [c.event_id, c.end_event_id, h.event_id] AS evidence,
  c.worker, c.times, h.busy_with,
  v.worker_seconds AS cost_worker_seconds
FROM churn AS c
JOIN heard AS h ON h.run_id = c.run_id AND h.gang = c.gang AND h.worker = c.worker AND h.claims = c.claims
LEFT JOIN in_vain AS v ON v.run_id = c.run_id AND v.gang = c.gang AND v.worker = c.worker AND v.claims = c.claims
QUALIFY row_number() OVER (PARTITION BY c.run_id, c.gang ORDER BY c.ts_us, c.worker, c.claims, c.event_id) = 1
ORDER BY c.run_id, c.ts_us, subject_id, evidence
