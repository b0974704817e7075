-- Every durable write to a worker's row, in order.
--
-- A write that changes no state is here too (`from_state` and `to_state` are equal): it may move a clock that an age is
-- computed from.
--
-- column run_id: the run
-- column worker: the worker
-- column at_us: when the store committed it
-- column position: place in the run
-- column revision: the store's revision
-- column kind: kind of the event
-- column from_state: state of the row before; null where the row is new
-- column to_state: state of the row after
-- column owner: control plane that owns the worker after the write
-- column epoch: fencing number after the write
-- column org: tenant that the worker is assigned to
-- column vcpu: size of the worker in virtual CPUs
-- column ttl_us: how long the worker may stay hot_idle
-- column moved_basis: whether a refresh moved the clock that the idle age is computed from; null for other writes
-- column event_id: the event
SELECT
  warm_pool_event.run_id, subject_id AS worker, at_us, position, revision, kind,
  from_state, to_state, owner, epoch, org, vcpu, ttl_us, moved_basis, event_id
FROM warm_pool_event
JOIN event_time USING (event_no)
WHERE to_state IS NOT NULL AND outcome = 'committed'
