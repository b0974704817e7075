-- The configuration that each control plane runs with, and since when.
--
-- Thresholds come from here, and not from constants: a control plane says its effective timings at its start and whenever
-- they change.
--
-- column run_id: the run
-- column control_plane: the control plane
-- column since_us: when it said so
-- column version: number of the configuration
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
SELECT
  config_declared.run_id, subject_id AS control_plane, at_us AS since_us, version,
  control_plane_expiry_us, orphan_grace_us, hot_idle_ttl_us, spawn_stuck_us, activation_stuck_us, drain_bound_us,
  lease_duration_us, lease_renew_deadline_us, lease_retry_us, lease_backoff_us, tick_us, fallback_tick_us,
  pool_tick_us, heartbeat_us, spawn_budget_us, activation_heartbeat_us, persist_timeout_us, call_timeout_us,
  pod_grace_us, reconcile_us
FROM config_declared
JOIN event_time USING (event_no)
