-- Pod that runs on after its row has ended.
--
-- The row is the only thing that points at a pod. When it ends first and the pod's deletion never comes, the pod runs,
-- and is paid for, where no list of workers shows it.
--
-- severity: critical
-- alert_for: 1m
-- catalogue: X-16
-- source: duckgres pulls 452 and 385 (two such workers served through two rollouts); PrefectHQ/prefect issue 18839
-- needs: worker_state_interval
-- says: the row of {subject} is {state}, but its pod has run on for {dur_us}
-- param grace_us: 1000000 time past every deadline before it counts
-- column state: the row's state
-- column cost_vcpu_seconds: size of the worker times that time
-- impact: capacity that no census shows; the pod may go on serving with old credentials
-- diagnosis: `timeline show worker/ID`: was worker.pod_deleted ever said, and did its control plane die in between
-- mitigation: delete the pod by hand; look for others with a list of pods against rows
WITH
  made AS (
    SELECT p.run_id, p.subject_id AS worker, t.at_us, p.event_id
    FROM worker_pod_created AS p JOIN event_time AS t USING (event_no)
  ),
  gone AS (
    SELECT p.run_id, p.subject_id AS worker, max(t.at_us) AS at_us
    FROM worker_pod_gone AS p JOIN event_time AS t USING (event_no)
    GROUP BY p.run_id, p.subject_id
  ),
  -- The reconciler is the leader's, so a failover may come in between.
  alive AS (
    SELECT
      w.run_id, w.worker, w.state, w.vcpu, w.event_id, made.event_id AS pod_event_id, b.end_us, gone.at_us AS gone_us,
      greatest(w.ts_us, made.at_us) AS ts_us, coalesce(gone.at_us, b.end_us) AS ended_us,
      greatest(w.ts_us, made.at_us) + c.pod_grace_us + c.reconcile_us
        + 2 * c.tick_us + c.lease_duration_us + c.lease_retry_us + $grace_us AS due_us
    FROM worker_state_interval AS w
    JOIN made ON made.run_id = w.run_id AND made.worker = w.worker
    JOIN run_config AS c ON c.run_id = w.run_id
    JOIN log_bounds AS b ON b.run_id = w.run_id
    LEFT JOIN gone ON gone.run_id = w.run_id AND gone.worker = w.worker AND gone.at_us >= made.at_us
    WHERE w.state IN ('retired', 'lost')
  )
SELECT
  run_id, 'worker' AS subject_kind, worker AS subject_id,
  ts_us, ended_us - ts_us AS dur_us, gone_us IS NULL AS is_open,
  CASE WHEN ended_us > due_us THEN 'found' ELSE 'pending' END AS verdict,
  [event_id, pod_event_id] AS evidence,
  state, vcpu * (ended_us - ts_us) / 1000000 AS cost_vcpu_seconds
FROM alive
WHERE ended_us > due_us OR (gone_us IS NULL AND end_us > ts_us)
QUALIFY row_number() OVER (PARTITION BY run_id, worker ORDER BY ts_us, pod_event_id) = 1
ORDER BY run_id, ts_us, subject_id, evidence
