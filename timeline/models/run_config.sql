-- The most patient timings of each run: the longest that any of its control planes ever declared.
--
-- Each sweep echoes the thresholds that it judges by, so that a log without its beginning still has those. A timing that
-- nobody declared is null, and what needs it is unknown.
--
-- column run_id: the run
-- column control_plane_expiry_us: silence after which a control plane counts as gone
-- column orphan_grace_us: time after that in which its workers are left alone
-- column hot_idle_ttl_us: how long a parked worker may wait for reuse, unless its own TTL says otherwise
-- column spawn_stuck_us: age at which the janitor takes a spawning worker for stuck
-- column activation_stuck_us: age at which the janitor takes a reserved or activating worker for stuck
-- column drain_bound_us: how long a draining control plane may take; 0 where nothing bounds it
-- column lease_duration_us: how long the leader lease is good for
-- column lease_renew_deadline_us: how long a leader goes on trying to renew
-- column lease_retry_us: wait between two tries of the elector
-- column lease_backoff_us: wait before standing again after losing
-- column tick_us: interval of the leader's janitor tick
-- column fallback_tick_us: interval of the reaper that each control plane runs for itself
-- column pool_tick_us: interval of the pool's own upkeep
-- column heartbeat_us: interval of a control plane's heartbeat
-- column spawn_budget_us: how long a detached spawn may take before it gives up
-- column activation_heartbeat_us: interval at which an activation in progress rewrites its row
-- column persist_timeout_us: how long a write to the store may take before it counts as failed
-- column call_timeout_us: how long the janitor waits for an answer from outside
-- column pod_grace_us: how long a pod may take to end after its deletion
-- column reconcile_us: age at which a pod without a live row counts as stranded
WITH
  said AS (
    SELECT
      run_id,
      control_plane_expiry_us, orphan_grace_us, hot_idle_ttl_us, spawn_stuck_us, activation_stuck_us, drain_bound_us,
      lease_duration_us, lease_renew_deadline_us, lease_retry_us, lease_backoff_us, tick_us, fallback_tick_us,
      pool_tick_us, heartbeat_us, spawn_budget_us, activation_heartbeat_us, persist_timeout_us, call_timeout_us,
      pod_grace_us, reconcile_us
    FROM control_plane_config
    UNION ALL
    SELECT
      sweep_started.run_id,
      control_plane_expiry_us, orphan_grace_us, hot_idle_ttl_us, spawn_stuck_us, activation_stuck_us, drain_bound_us,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM sweep_started
    JOIN event_time USING (event_no)
  )
SELECT
  run_id,
  max(control_plane_expiry_us) AS control_plane_expiry_us,
  max(orphan_grace_us) AS orphan_grace_us,
  max(hot_idle_ttl_us) AS hot_idle_ttl_us,
  max(spawn_stuck_us) AS spawn_stuck_us,
  max(activation_stuck_us) AS activation_stuck_us,
  max(drain_bound_us) AS drain_bound_us,
  max(lease_duration_us) AS lease_duration_us,
  max(lease_renew_deadline_us) AS lease_renew_deadline_us,
  max(lease_retry_us) AS lease_retry_us,
  max(lease_backoff_us) AS lease_backoff_us,
  max(tick_us) AS tick_us,
  max(fallback_tick_us) AS fallback_tick_us,
  max(pool_tick_us) AS pool_tick_us,
  max(heartbeat_us) AS heartbeat_us,
  max(spawn_budget_us) AS spawn_budget_us,
  max(activation_heartbeat_us) AS activation_heartbeat_us,
  max(persist_timeout_us) AS persist_timeout_us,
  max(call_timeout_us) AS call_timeout_us,
  max(pod_grace_us) AS pod_grace_us,
  max(reconcile_us) AS reconcile_us
FROM said
GROUP BY run_id
