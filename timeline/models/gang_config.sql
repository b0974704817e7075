-- The most patient timings of each run's schedulers: the longest that any of them ever declared.
--
-- A scheduler says what it runs with at its start, and each tick echoes it, so that a log without its beginning still has
-- it. A run without a scheduler has no row, and what needs one is unknown.
--
-- column run_id: the run
-- column poll_us: interval at which an idle worker asks for work
-- column job_heartbeat_us: interval at which a worker reports that a job is alive
-- column job_stale_us: silence after which a running job counts as lost
-- column worker_stale_us: silence after which a worker counts as offline
-- column reaper_tick_us: interval of the reaper's tick
-- column admission_tick_us: interval of the admission tick
-- column tick_bound_us: how long a tick may take before it is abandoned; 0 where nothing bounds it
-- column reservation_timeout_us: how long a reserved job may wait for its worker
-- column preempt_grace_us: how long a process may take to end after it was told to
-- column drain_timeout_us: how long a job may be preempting before it is drained by force
-- column max_retries: attempts that a job has
SELECT
  gang_event.run_id,
  max(poll_us) AS poll_us,
  max(job_heartbeat_us) AS job_heartbeat_us,
  max(job_stale_us) AS job_stale_us,
  max(worker_stale_us) AS worker_stale_us,
  max(reaper_tick_us) AS reaper_tick_us,
  max(admission_tick_us) AS admission_tick_us,
  max(tick_bound_us) AS tick_bound_us,
  max(reservation_timeout_us) AS reservation_timeout_us,
  max(preempt_grace_us) AS preempt_grace_us,
  max(drain_timeout_us) AS drain_timeout_us,
  max(max_retries) AS max_retries
FROM gang_event
JOIN event_time USING (event_no)
WHERE kind IN ('scheduler.configured', 'tick.started')
GROUP BY gang_event.run_id
