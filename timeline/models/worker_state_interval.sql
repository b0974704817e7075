-- Stretches of a worker's durable life: one state, one owner, one epoch.
--
-- The end states `retired` and `lost` have their stretch too, open until the log ends. A row that the log begins in the
-- middle of has its first stretch from the first write that was seen.
--
-- column run_id: the run
-- column worker: the worker
-- column state: durable state
-- column owner: control plane that owns the worker
-- column epoch: fencing number
-- column org: tenant that the worker is assigned to
-- column vcpu: size of the worker in virtual CPUs
-- column ttl_us: how long the worker may stay hot_idle, as said when the stretch began
-- column ts_us: when it began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column next_state: the state after it
-- column event_id: the write that began it
-- column end_event_id: the write that ended it
WITH
  write AS (
    SELECT
      *,
      lag(to_state) OVER life IS DISTINCT FROM to_state
        OR lag(owner) OVER life IS DISTINCT FROM owner
        OR lag(epoch) OVER life IS DISTINCT FROM epoch AS is_change
    FROM worker_write
    WINDOW life AS (PARTITION BY run_id, worker ORDER BY at_us, revision, position)
  ),
  stretch AS (
    SELECT
      *,
      lead(at_us) OVER life AS until_us,
      lead(to_state) OVER life AS next_state,
      lead(event_id) OVER life AS end_event_id
    FROM write
    WHERE is_change
    WINDOW life AS (PARTITION BY run_id, worker ORDER BY at_us, revision, position)
  )
SELECT
  stretch.run_id, worker, to_state AS state, owner, epoch, org, vcpu, ttl_us,
  at_us AS ts_us,
  coalesce(until_us, end_us) - at_us AS dur_us,
  until_us IS NULL AS is_open,
  next_state, event_id, end_event_id
FROM stretch
JOIN log_bounds ON log_bounds.run_id = stretch.run_id
