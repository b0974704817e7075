-- Two gangs that each hold the worker which the other waits for.
--
-- Both run in part, and a member of each was to run on a worker that the other has: neither will let go before the other
-- does. All-or-nothing admission is there to make this impossible.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-26
-- source: Workron, read in the code (gangs that declare no resources are placed on one another); volcano-sh/volcano issue 3373
-- needs: gang_config, gang_tick
-- says: {subject} holds {worker} ({holds}) and waits for {other_worker}; {other_gang} holds {other_worker} ({other_holds}) and
--   waits for {worker}, for {dur_us}
-- column holds: member that holds a worker
-- column worker: the worker that it holds
-- column waits: member that waits for the other's worker
-- column other_gang: the other gang; the first of them, where there are more
-- column other_holds: member of the other gang that holds a worker
-- column other_worker: the worker that it holds
-- column other_waits: member of the other gang that waits
-- impact: both gangs hold their workers and neither is ever done
-- diagnosis: `timeline show worker/ID` for both workers: which reservations lay on them at once
-- mitigation: fail a running member of one of the two gangs; give gangs their resources
WITH
  life AS (
    SELECT
      s.run_id, s.gang, s.job, s.state, s.worker, s.ts_us, s.ts_us + s.dur_us AS ended_us, s.is_open, s.event_id,
      lag(s.state) OVER job_life AS state_before, lag(s.worker) OVER job_life AS worker_before
    FROM job_state_interval AS s
    WHERE s.gang IS NOT NULL
    WINDOW job_life AS (PARTITION BY s.run_id, s.job ORDER BY s.ts_us, s.event_id)
  ),
  hold AS (
    SELECT run_id, gang, job, worker, ts_us, ended_us, is_open, event_id FROM life WHERE state = 'running'
  ),
  -- It waits for the worker that it was placed on and that never came for it.
  wait AS (
    SELECT run_id, gang, job, worker_before AS worker, ts_us, ended_us, is_open, event_id
    FROM life
    WHERE state = 'blocked' AND state_before = 'reserved'
  ),
  crossed AS (
    SELECT
      a.run_id, a.gang, a.job AS holds, a.worker, aw.job AS waits, b.gang AS other_gang, b.job AS other_holds,
      b.worker AS other_worker, bw.job AS other_waits,
      greatest(a.ts_us, aw.ts_us, b.ts_us, bw.ts_us) AS ts_us, least(a.ended_us, aw.ended_us, b.ended_us, bw.ended_us) AS ended_us,
      a.is_open AND aw.is_open AND b.is_open AND bw.is_open AS is_open,
      a.event_id, aw.event_id AS wait_event_id, b.event_id AS other_event_id, bw.event_id AS other_wait_event_id
    FROM hold AS a
    JOIN wait AS aw ON aw.run_id = a.run_id AND aw.gang = a.gang
    JOIN hold AS b ON b.run_id = a.run_id AND b.worker = aw.worker AND b.gang > a.gang
    JOIN wait AS bw ON bw.run_id = a.run_id AND bw.gang = b.gang AND bw.worker = a.worker
  ),
  judged AS (
    SELECT x.*, c.admission_tick_us
    FROM crossed AS x
    JOIN gang_config AS c ON c.run_id = x.run_id
    WHERE x.ended_us - x.ts_us > 2 * c.admission_tick_us OR (x.is_open AND x.ended_us > x.ts_us)
    QUALIFY row_number() OVER (
      PARTITION BY x.run_id, x.gang ORDER BY x.ts_us, x.other_gang, x.event_id, x.wait_event_id, x.other_event_id, x.other_wait_event_id
    ) = 1
  )
SELECT
  run_id, 'gang' AS subject_kind, gang AS subject_id, ts_us, ended_us - ts_us AS dur_us, is_open,
  CASE WHEN ended_us - ts_us > 2 * admission_tick_us THEN 'found' ELSE 'pending' END AS verdict,
  [event_id, wait_event_id, other_event_id, other_wait_event_id] AS evidence,
  holds, worker, waits, other_gang, other_holds, other_worker, other_waits
FROM judged
ORDER BY run_id, ts_us, subject_id, evidence
