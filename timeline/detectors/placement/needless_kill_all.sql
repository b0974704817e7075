-- Instance that was stopped by a kill-all although the schedule still wanted it there.
--
-- A node that comes back without a lease may have been given up, or not: a stall that is a little longer than the lease ends
-- before anybody took its slots. What the schedule still gives to the node must run on.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: OZ-07
-- source: design note of Ozymandias (if there is no lease, kill all local containers)
-- needs: container_interval, allocation_interval
-- says: {subject} was stopped on {node}, which came back {away_us} after its lease ran out and still had it
-- column node: the node
-- column away_us: from the end of its lease to the stop
-- impact: a stall of seconds takes down everything on the node, and all of it at once
-- diagnosis: `timeline show node/ID`: how long between node.lease_expired and node.killed_all; what stalled
-- mitigation: make the time to live longer than the stalls that there are
WITH
  stopped AS (
    SELECT s.run_id, s.instance, s.node, t.at_us, s.event_id
    FROM container_stopped AS s
    JOIN event_time AS t USING (event_no)
    WHERE s.reason = 'killed_all'
  )
SELECT
  s.run_id, 'instance' AS subject_kind, s.instance AS subject_id, s.at_us AS ts_us, 0 AS dur_us, false AS is_open, 'found' AS verdict,
  [max_by(l.end_event_id, (l.ts_us, l.end_event_id)), s.event_id] AS evidence,
  s.node, s.at_us - max(l.ts_us + l.dur_us) AS away_us
FROM stopped AS s
JOIN allocation_interval AS a ON a.run_id = s.run_id AND a.instance = s.instance AND a.node = s.node
  AND a.ts_us <= s.at_us AND (a.ts_us + a.dur_us > s.at_us OR a.is_open)
LEFT JOIN node_lease_interval AS l ON l.run_id = s.run_id AND l.node = s.node AND l.ended_by = 'expired' AND l.ts_us + l.dur_us <= s.at_us
GROUP BY s.run_id, s.instance, s.node, s.at_us, s.event_id
ORDER BY s.run_id, ts_us, subject_id, s.event_id
