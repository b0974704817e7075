-- Unit that is busy with nothing: its process has ended or its pod was replaced, and its databag still says ready.
--
-- A start is refused while any unit is busy. A unit becomes idle by its own word, so one that never says it blocks the whole
-- application. Its process is known to be gone: it ended, or the pod that ran it has a successor. A unit has a declared time
-- in which to say so.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-32
-- source: canonical/k6-k8s-operator (initialization keeps a busy databag; an error while k6 is stopped skips setting idle)
-- needs: barrier_round
-- says: {subject} stayed busy with {barrier} for {dur_us} with nothing running, with a bound of {settle_bound_us}; {refused}
--   starts were refused
-- column barrier: the barrier that it is busy with
-- column settle_bound_us: the declared time in which it is to say that its process has ended
-- column refused: starts that were refused meanwhile because this unit counted as busy
-- impact: no test can be started until somebody mends the databag by hand
-- diagnosis: `timeline show unit/ID`: unit.started with found_status=ready, or barrier.stop_failed, and no word of the unit after it
-- mitigation: run the stop action on the leader; if that does not help, remove the unit and add it again
WITH
  process_gone AS (
    SELECT run_id, barrier, member, ended_us AS gone_us, end_position AS position, end_event_id AS event_id
    FROM barrier_member
    WHERE ended_us > ready_us
    UNION ALL
    SELECT m.run_id, m.barrier, m.member, t.at_us, t.position, s.event_id
    FROM barrier_member AS m
    JOIN unit_started AS s ON s.run_id = m.run_id AND s.subject_id = m.member AND s.incarnation <> m.ready_incarnation
    JOIN event_time AS t ON t.event_no = s.event_no AND t.at_us > m.ready_us
  ),
  gone AS (
    SELECT run_id, barrier, member, min(gone_us) AS gone_us, min_by(event_id, position) AS event_id
    FROM process_gone
    GROUP BY run_id, barrier, member
  ),
  held AS (
    SELECT m.run_id, m.barrier, m.member, m.done_us, m.stopped_us, m.ready_event_id, r.settle_bound_us, r.event_id AS opened_event_id,
      lead(m.ready_us) OVER (PARTITION BY m.run_id, m.member ORDER BY m.ready_us, m.ready_event_id) AS next_ready_us
    FROM barrier_member AS m
    JOIN barrier_round AS r ON r.run_id = m.run_id AND r.barrier = m.barrier
    WHERE m.ready_us IS NOT NULL
  ),
  busy AS (
    SELECT h.*, g.gone_us, g.event_id, b.end_us, g.gone_us + h.settle_bound_us AS due_us,
      least(coalesce(h.done_us, b.end_us), coalesce(h.stopped_us, b.end_us), coalesce(h.next_ready_us, b.end_us)) AS until_us,
      h.done_us IS NULL AND h.stopped_us IS NULL AND h.next_ready_us IS NULL AS is_open
    FROM held AS h
    JOIN gone AS g ON g.run_id = h.run_id AND g.barrier = h.barrier AND g.member = h.member
    JOIN log_bounds AS b ON b.run_id = h.run_id
  ),
  alive AS (
    SELECT b.run_id, b.barrier, b.member, min_by(s.event_id, t.position) AS event_id
    FROM busy AS b
    JOIN unit_checked AS s ON s.run_id = b.run_id AND s.subject_id = b.member AND s.status = 'ready'
    JOIN event_time AS t ON t.event_no = s.event_no AND t.at_us > b.due_us AND t.at_us <= b.until_us
    GROUP BY b.run_id, b.barrier, b.member
  )
SELECT
  b.run_id, 'unit' AS subject_kind, b.member AS subject_id, b.gone_us AS ts_us, b.until_us - b.gone_us AS dur_us, b.is_open,
  CASE WHEN a.event_id IS NOT NULL THEN 'found' ELSE 'pending' END AS verdict,
  [b.opened_event_id, b.ready_event_id, b.event_id, a.event_id] AS evidence,
  b.barrier, b.settle_bound_us,
  (
    SELECT count(*)
    FROM barrier_start_refused AS f
    JOIN event_object AS o ON o.event_no = f.event_no AND o.role = 'counted' AND o.id = b.member
    JOIN event_time AS t ON t.event_no = f.event_no AND t.at_us > b.gone_us AND t.at_us <= b.until_us
    WHERE f.run_id = b.run_id
  ) AS refused
FROM busy AS b
LEFT JOIN alive AS a ON a.run_id = b.run_id AND a.barrier = b.barrier AND a.member = b.member
WHERE a.event_id IS NOT NULL OR (b.is_open AND b.end_us > b.gone_us)
ORDER BY b.run_id, ts_us, subject_id, evidence
