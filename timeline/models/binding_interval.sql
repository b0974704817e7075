-- Replicas that are fixed to a node, from the binding to its removal.
--
-- A name may be used again once its binding was removed. A removal whose binding the log does not have gives no interval.
--
-- column run_id: the run
-- column binding: the binding
-- column replica: the replica
-- column workload: its workload
-- column generation: generation of the workload that it is of
-- column node: the node
-- column quota: the quota that the replica takes a slot of
-- column ts_us: when it was bound
-- column dur_us: how long; until the log ends where it is open
-- column is_open: nothing in the log removes it
-- column ended_by: why it was removed; null where it is open
-- column event_id: the event that began it
-- column end_event_id: the event that ended it
WITH
  said AS (
    SELECT
      quota_event.run_id, subject_id AS binding, quota_event.kind, replica, workload, generation, node,
      link.id AS quota, at_us AS ts_us, event_id,
      lead(at_us) OVER life AS until_us,
      lead(reason) OVER life AS until_reason,
      lead(event_id) OVER life AS until_event_id
    FROM quota_event
    JOIN event_time USING (event_no)
    LEFT JOIN event_object AS link ON link.event_no = quota_event.event_no AND link.role = 'quota'
    WHERE quota_event.kind IN ('binding.created', 'binding.removed')
    WINDOW life AS (PARTITION BY quota_event.run_id, subject_id ORDER BY position)
  )
SELECT
  said.run_id, binding, replica, workload, generation, node, quota, ts_us,
  coalesce(until_us, end_us) - ts_us AS dur_us,
  until_us IS NULL AS is_open,
  until_reason AS ended_by,
  event_id,
  until_event_id AS end_event_id
FROM said
JOIN log_bounds ON log_bounds.run_id = said.run_id
WHERE kind = 'binding.created'
