-- Control plane that lost its lease and never stood for election again.
--
-- An elector has to go on standing for as long as its process lives. One that runs once and returns drops its replica out
-- of the election for good. Nothing is wrong yet while others stand; when the last one has dropped out, nobody leads.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-01
-- source: duckgres pull 820, fix 1; client-go LeaderElector.Run returns when the lease is lost
-- needs: leadership_interval, life_sign
-- says: {subject} lost the lease {lease} and has not stood for election since, for {dur_us}; it was to stand again within {window_us}
-- param grace_us: 1000000 time past the window before it counts
-- column lease: the lease that was lost
-- column window_us: lease duration, retry and backoff: in that time it was to stand again
-- impact: one contender less; when the last one is gone no sweep that only a leader does runs any more, and idle capacity piles up
-- diagnosis: `timeline show control_plane/ID` around the loss; compare with lease.attempted of the other replicas
-- mitigation: restart that control plane; its new process stands for election
WITH
  lost AS (
    SELECT
      l.run_id, l.incarnation AS control_plane, l.subject_id AS lease, t.at_us, l.event_id,
      c.lease_duration_us + c.lease_retry_us + c.lease_backoff_us AS window_us,
      c.lease_retry_us + c.lease_backoff_us AS catch_up_us,
      c.control_plane_expiry_us AS expiry_us
    FROM lease_lost AS l
    JOIN event_time AS t USING (event_no)
    JOIN run_config AS c ON c.run_id = l.run_id
  ),
  stood AS (
    SELECT lost.run_id, lost.event_id, min(t.at_us) AS stood_us
    FROM lost
    JOIN lease_attempted AS a ON a.run_id = lost.run_id AND a.incarnation = lost.control_plane AND a.subject_id = lost.lease
    JOIN event_time AS t ON t.event_no = a.event_no AND t.at_us >= lost.at_us
    GROUP BY lost.run_id, lost.event_id
  ),
  -- A process that was paused as a whole shows life first and stands again a retry and a backoff later.
  alive AS (
    SELECT
      lost.run_id, lost.event_id, min(s.ts_us) + min(catch_up_us) AS proven_us,
      min_by(s.event_id, (s.ts_us, s.event_id)) AS life_event_id
    FROM lost
    JOIN life_sign AS s ON s.run_id = lost.run_id AND s.control_plane = lost.control_plane
    WHERE s.ts_us > lost.at_us + lost.window_us + $grace_us
    GROUP BY lost.run_id, lost.event_id
  ),
  judged AS (
    SELECT
      lost.*, stood.stood_us, alive.proven_us, alive.life_event_id, b.end_us,
      least(coalesce(life.drain_started_us, b.end_us), coalesce(life.stopped_us, b.end_us), b.end_us) AS ended_us,
      life.last_heartbeat_us
    FROM lost
    JOIN log_bounds AS b ON b.run_id = lost.run_id
    LEFT JOIN stood ON stood.run_id = lost.run_id AND stood.event_id = lost.event_id
    LEFT JOIN alive ON alive.run_id = lost.run_id AND alive.event_id = lost.event_id
    LEFT JOIN control_plane_life AS life ON life.run_id = lost.run_id AND life.control_plane = lost.control_plane
  )
SELECT
  run_id, 'control_plane' AS subject_kind, control_plane AS subject_id,
  at_us AS ts_us,
  least(coalesce(stood_us, ended_us), ended_us) - at_us AS dur_us,
  stood_us IS NULL AND ended_us = end_us AS is_open,
  CASE WHEN proven_us < least(coalesce(stood_us, ended_us), ended_us) THEN 'found' ELSE 'pending' END AS verdict,
  [event_id, life_event_id] AS evidence,
  lease, window_us
FROM judged
WHERE proven_us < least(coalesce(stood_us, ended_us), ended_us)
  OR (stood_us IS NULL AND ended_us = end_us AND end_us - last_heartbeat_us <= expiry_us)
ORDER BY run_id, ts_us, subject_id, lease, evidence
