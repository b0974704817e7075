-- Sessions on workers, from start to end.
--
-- A session ends with its own event, or with its control plane: at the stop, or at the last heartbeat of one that was
-- marked as gone.
--
-- column run_id: the run
-- column session: the session
-- column worker: the worker that it ran on
-- column org: its tenant
-- column control_plane: the control plane that ran it
-- column ts_us: when it began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column ended_by: kind of the event that ended it, `owner_gone` where its control plane went; null where it is open
-- column event_id: the event that began it
-- column end_event_id: the event that ended it
WITH
  said AS (
    SELECT
      warm_pool_event.run_id, event_no, subject_id AS session, kind, org, incarnation, at_us AS ts_us, event_id,
      lead(at_us) OVER life AS until_us,
      lead(kind) OVER life AS until_kind,
      lead(event_id) OVER life AS until_event_id
    FROM warm_pool_event
    JOIN event_time USING (event_no)
    WHERE kind IN ('session.started', 'session.ended', 'session.failed', 'session.reaped')
    WINDOW life AS (PARTITION BY warm_pool_event.run_id, subject_id ORDER BY position)
  ),
  ran AS (
    SELECT
      said.run_id, session, link.id AS worker, org, coalesce(host.id, incarnation) AS control_plane,
      ts_us, said.event_id, until_us, until_kind, until_event_id, end_us,
      CASE
        WHEN stopped_us IS NOT NULL OR expired_us IS NOT NULL THEN greatest(ts_us, coalesce(stopped_us, last_heartbeat_us, ts_us))
      END AS gone_us,
      coalesce(stop_event_id, expired_event_id) AS gone_event_id
    FROM said
    JOIN log_bounds ON log_bounds.run_id = said.run_id
    LEFT JOIN event_object AS link ON link.event_no = said.event_no AND link.role = 'worker'
    LEFT JOIN event_object AS host ON host.event_no = said.event_no AND host.role = 'control_plane'
    LEFT JOIN control_plane_life AS life ON life.run_id = said.run_id AND life.control_plane = coalesce(host.id, incarnation)
    WHERE said.kind = 'session.started'
  ),
  judged AS (
    SELECT *, coalesce(gone_us < until_us, gone_us IS NOT NULL) AS is_gone
    FROM ran
  )
SELECT
  run_id, session, worker, org, control_plane, ts_us,
  CASE WHEN is_gone THEN gone_us ELSE coalesce(until_us, end_us) END - ts_us AS dur_us,
  until_us IS NULL AND NOT is_gone AS is_open,
  CASE WHEN is_gone THEN 'owner_gone' ELSE until_kind END AS ended_by,
  event_id,
  CASE WHEN is_gone THEN gone_event_id ELSE until_event_id END AS end_event_id
FROM judged
