-- Room that was promised to a replica, from the promise to its release.
--
-- A name may be used again once it was released. A release whose promise the log does not have gives no interval.
--
-- column run_id: the run
-- column reservation: the reservation
-- column replica: the replica that the room is for
-- column workload: its workload
-- column generation: generation of the workload that it is for
-- column intent: what the replica is for
-- column node: the node that has the room
-- column quota: the quota that a slot was taken of
-- column ts_us: when it was promised
-- column dur_us: how long it was kept; until the log ends where it is open
-- column is_open: nothing in the log releases it
-- column ended_by: why it was released; null where it is open
-- column event_id: the event that began it
-- column end_event_id: the event that ended it
WITH
  said AS (
    SELECT
      quota_event.run_id, subject_id AS reservation, kind, replica, workload, generation, intent, node, quota, at_us AS ts_us, event_id,
      lead(at_us) OVER life AS until_us,
      lead(reason) OVER life AS until_reason,
      lead(event_id) OVER life AS until_event_id
    FROM quota_event
    JOIN event_time USING (event_no)
    WHERE kind IN ('reservation.created', 'reservation.released')
    WINDOW life AS (PARTITION BY quota_event.run_id, subject_id ORDER BY position)
  )
SELECT
  said.run_id, reservation, replica, workload, generation, intent, node, quota, ts_us,
  coalesce(until_us, end_us) - ts_us AS dur_us,
  until_us IS NULL AS is_open,
  until_reason AS ended_by,
  event_id,
  until_event_id AS end_event_id
FROM said
JOIN log_bounds ON log_bounds.run_id = said.run_id
WHERE kind = 'reservation.created'
