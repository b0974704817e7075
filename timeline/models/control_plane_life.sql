-- The life of each control plane, one row an incarnation.
--
-- An expiry counts only where no revival came after it. What the log does not show is null.
--
-- column run_id: the run
-- column control_plane: the control plane, by incarnation
-- column instance: stable name of the replica
-- column started_us: when it registered itself
-- column last_heartbeat_us: its last heartbeat that the store has
-- column drain_started_us: when it began to drain
-- column drain_bound_us: how long the drain may take; 0 where nothing bounds it
-- column stopped_us: when it ended on purpose
-- column expired_us: when somebody marked it as gone
-- column drain_event_id: the event of its drain
-- column stop_event_id: the event of its end
-- column last_heartbeat_event_id: the event of its last heartbeat
-- column expired_event_id: the event of its expiry
WITH
  said AS (
    SELECT control_loop_event.run_id, subject_id AS control_plane, kind, instance, bound_us, at_us, position, event_id
    FROM control_loop_event
    JOIN event_time USING (event_no)
    WHERE subject_kind = 'control_plane'
  ),
  judged AS (
    SELECT *, max(CASE WHEN kind = 'control_plane.revived' THEN position END) OVER (PARTITION BY run_id, control_plane) AS revived
    FROM said
    WHERE kind IN (
      'config.declared', 'control_plane.started', 'control_plane.heartbeated', 'control_plane.drain_started',
      'control_plane.stopped', 'control_plane.expired', 'control_plane.revived'
    )
  )
SELECT
  run_id,
  control_plane,
  max(instance) AS instance,
  min(at_us) FILTER (WHERE kind = 'control_plane.started') AS started_us,
  max(at_us) FILTER (WHERE kind IN ('control_plane.heartbeated', 'control_plane.revived')) AS last_heartbeat_us,
  min(at_us) FILTER (WHERE kind = 'control_plane.drain_started') AS drain_started_us,
  min_by(bound_us, position) FILTER (WHERE kind = 'control_plane.drain_started') AS drain_bound_us,
  min(at_us) FILTER (WHERE kind = 'control_plane.stopped') AS stopped_us,
  min(at_us) FILTER (WHERE kind = 'control_plane.expired' AND position > coalesce(revived, 0)) AS expired_us,
  min_by(event_id, position) FILTER (WHERE kind = 'control_plane.drain_started') AS drain_event_id,
  min_by(event_id, position) FILTER (WHERE kind = 'control_plane.stopped') AS stop_event_id,
  max_by(event_id, position) FILTER (WHERE kind IN ('control_plane.heartbeated', 'control_plane.revived')) AS last_heartbeat_event_id,
  min_by(event_id, position) FILTER (WHERE kind = 'control_plane.expired' AND position > coalesce(revived, 0)) AS expired_event_id
FROM judged
GROUP BY run_id, control_plane
