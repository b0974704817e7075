-- What is said of each replica, word by word: a move, room that was found or not, a try that did not work.
--
-- What the scheduler says of a quota is held against the quota as it was then. A reservation of a replica that is gone says so too.
--
-- column run_id: the run
-- column replica: the replica
-- column at_us: when it was said
-- column position: place of the event in the run
-- column quota: the quota that the replica takes a slot of
-- column phase: pending, bound or running from then on, or gone; null where the event does not say
-- column verdict: reserved, released, quota_exceeded, stale_cache, no_node, or back_off; null where the event is none
-- column detail: what the event says, in a few words
-- column due_us: when a back-off is over; null where something is said before, or the log ends
-- column event_id: the event
WITH
  said AS (
    SELECT
      e.run_id, e.kind, e.reason, CASE subject_kind WHEN 'replica' THEN subject_id ELSE replica END AS replica, at_us, position,
      coalesce(e.quota, link.id) AS quota, to_phase, node, source, quota_version, quota_free, nodes_fit, event_id,
      at_us + delay_us AS due_us,
      last_value(CASE WHEN used IS NOT NULL THEN slots END IGNORE NULLS) OVER so_far AS slots_then,
      last_value(slots - used IGNORE NULLS) OVER so_far AS free_then,
      last_value(CASE WHEN used IS NOT NULL THEN quota_version END IGNORE NULLS) OVER so_far AS version_then,
      last_value(CASE e.kind WHEN 'reservation.created' THEN replica END IGNORE NULLS) OVER so_far AS taker
    FROM quota_event AS e
    JOIN event_time ON event_time.event_no = e.event_no
    LEFT JOIN event_object AS link ON link.event_no = e.event_no AND link.role = 'quota'
    WHERE e.kind IN (
      'quota.changed', 'replica.created', 'replica.started', 'replica.evicted', 'replica.deleted', 'replica.unschedulable',
      'replica.requeued', 'reservation.created', 'reservation.released', 'binding.created'
    )
    WINDOW so_far AS (PARTITION BY e.run_id, coalesce(e.quota, link.id) ORDER BY position ROWS UNBOUNDED PRECEDING)
  ),
  judged AS (
    SELECT
      *,
      CASE
        WHEN kind = 'replica.unschedulable' AND reason = 'no_node' THEN 'no_node'
        WHEN kind = 'replica.unschedulable' AND source = 'cache' AND quota_version < version_then AND free_then > 0 THEN 'stale_cache'
        WHEN kind = 'replica.unschedulable' THEN 'quota_exceeded'
        WHEN kind = 'replica.requeued' AND reason NOT IN ('unschedulable', 'confirmed') THEN 'back_off'
        WHEN kind = 'reservation.created' THEN 'reserved'
        WHEN kind = 'reservation.released' THEN 'released'
      END AS verdict
    FROM said
  )
SELECT
  judged.run_id, replica, at_us, position, quota,
  CASE
    WHEN kind = 'reservation.released' AND reason = 'job_missing' THEN 'gone'
    WHEN kind = 'replica.unschedulable' THEN 'pending'
    WHEN kind = 'binding.created' THEN 'bound'
    ELSE to_phase
  END AS phase,
  verdict,
  CASE
    WHEN verdict = 'quota_exceeded' AND free_then <= 0
    THEN (slots_then - free_then) || ' of ' || slots_then || ' slots taken, the last by ' || coalesce(taker, 'whom the log does not say')
    WHEN verdict = 'quota_exceeded' THEN 'version ' || quota_version || ' had ' || quota_free || ' free'
    WHEN verdict = 'stale_cache'
    THEN 'version ' || quota_version || ' had ' || quota_free || ' free, ' || version_then || ' had ' || free_then
    WHEN verdict = 'no_node' THEN 'nodes that fit: ' || nodes_fit || ', slots free: ' || quota_free
    WHEN verdict = 'back_off' THEN reason
    WHEN kind = 'binding.created' THEN 'on ' || node
  END AS detail,
  CASE WHEN verdict = 'back_off' AND due_us < coalesce(lead(at_us) OVER own, end_us) THEN due_us END AS due_us,
  event_id
FROM judged
JOIN log_bounds ON log_bounds.run_id = judged.run_id
WHERE replica IS NOT NULL AND (verdict IS NOT NULL OR to_phase IS NOT NULL OR kind = 'binding.created')
WINDOW own AS (PARTITION BY judged.run_id, replica ORDER BY position)
