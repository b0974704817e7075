-- Leader that renews its lease and does no work.
--
-- The lease is renewed by one loop and the work is done by another. When the second is stuck, the replica stays leader
-- for ever: it looks healthy, nobody replaces it, and nothing is reclaimed.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-03
-- source: duckgres, read in the code (a tick that waits for a slow call); hashicorp/nomad issue 3333
-- needs: leadership_interval
-- says: {subject} went on renewing the lease {lease} but its janitor was silent for {dur_us}; it promises a pass every {tick_us}
-- param grace_us: 1000000 time that a process which was stopped as a whole has for catching up
-- column lease: the lease that it holds
-- column term: number of the leadership
-- column tick_us: the interval that the janitor promises
-- impact: nothing that only a leader does is done, while every check of leadership says that all is well
-- diagnosis: the last sweep step of its janitor says where it hangs; look for a call without an answer
-- mitigation: restart that control plane; another takes over within a lease duration
WITH
  janitor AS (
    SELECT DISTINCT run_id, actor FROM sweep_run WHERE sweep = 'janitor'
  ),
  reign AS (
    SELECT
      l.run_id, l.lease, l.term, l.holder, l.ts_us, l.ts_us + l.dur_us AS ended_us, l.is_open, l.event_id, l.last_renewed_us,
      c.tick_us, 3 * c.tick_us + c.call_timeout_us AS window_us
    FROM leadership_interval AS l
    JOIN run_config AS c ON c.run_id = l.run_id
  ),
  -- Whatever the janitor says is progress: a pass may be slow, as long as it goes on.
  progress AS (
    SELECT e.run_id, e.incarnation AS holder, t.at_us, e.event_id
    FROM event AS e
    JOIN janitor USING (run_id, actor)
    JOIN event_time AS t USING (event_no)
  ),
  step AS (
    SELECT run_id, lease, term, holder, ts_us AS at_us, event_id FROM reign
    UNION ALL
    SELECT r.run_id, r.lease, r.term, r.holder, p.at_us, p.event_id
    FROM reign AS r
    JOIN progress AS p ON p.run_id = r.run_id AND p.holder = r.holder AND p.at_us >= r.ts_us AND p.at_us <= r.ended_us
  ),
  silence AS (
    SELECT
      step.*, r.ended_us, r.is_open, r.tick_us, r.window_us, r.last_renewed_us,
      lead(step.at_us) OVER (PARTITION BY step.run_id, step.lease, step.term, step.holder ORDER BY step.at_us, step.event_id) AS next_us
    FROM step
    JOIN reign AS r ON r.run_id = step.run_id AND r.lease = step.lease AND r.term = step.term AND r.holder = step.holder
  ),
  long_silence AS (
    SELECT * FROM silence WHERE coalesce(next_us, ended_us) - at_us > tick_us + $grace_us
  ),
  renewed AS (
    SELECT s.run_id, s.event_id, min(t.at_us) AS renewed_us, min_by(l.event_id, t.position) AS renewed_event_id
    FROM long_silence AS s
    JOIN lease_renewed AS l ON l.run_id = s.run_id AND l.holder = s.holder AND l.term = s.term AND l.subject_id = s.lease
    JOIN event_time AS t ON t.event_no = l.event_no AND t.at_us > s.at_us + s.window_us
    GROUP BY s.run_id, s.event_id
  )
SELECT
  s.run_id, 'control_plane' AS subject_kind, s.holder AS subject_id,
  s.at_us AS ts_us, coalesce(s.next_us, s.ended_us) - s.at_us AS dur_us, s.next_us IS NULL AND s.is_open AS is_open,
  CASE WHEN coalesce(s.next_us, s.ended_us) > r.renewed_us + $grace_us THEN 'found' ELSE 'pending' END AS verdict,
  [s.event_id, r.renewed_event_id] AS evidence,
  s.lease, s.term, s.tick_us
FROM long_silence AS s
LEFT JOIN renewed AS r ON r.run_id = s.run_id AND r.event_id = s.event_id
WHERE coalesce(s.next_us, s.ended_us) > r.renewed_us + $grace_us OR (s.next_us IS NULL AND s.is_open)
ORDER BY s.run_id, ts_us, subject_id, s.lease, s.term, evidence
