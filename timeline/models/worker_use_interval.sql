-- Stretches in which a session uses a worker, or has it set aside.
--
-- A worker that is set aside for a session (session.preclaimed) is in use until the session starts on it or comes to
-- nothing; from then on the session itself is the use.
--
-- column run_id: the run
-- column worker: the worker
-- column session: the session
-- column use: claim, while it is set aside; session, while the session runs
-- column ts_us: when it began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: nothing in the log ends it
-- column event_id: the event that began it
-- column end_event_id: the event that ended it
WITH
  claim AS (
    SELECT e.run_id, o.id AS worker, e.subject_id AS session, at_us, e.event_id
    FROM session_preclaimed AS e
    JOIN event_time USING (event_no)
    JOIN event_object AS o ON o.event_no = e.event_no AND o.role = 'worker'
  ),
  outcome AS (
    SELECT e.run_id, e.subject_id AS session, at_us, position, event_id
    FROM warm_pool_event AS e
    JOIN event_time USING (event_no)
    WHERE kind IN (
      'session.started', 'session.ended', 'session.failed', 'session.reaped', 'acquire.failed', 'acquire.canceled', 'acquire.abandoned'
    )
  ),
  ended AS (
    SELECT c.run_id, c.event_id, min(o.at_us) AS ended_us, min_by(o.event_id, o.position) AS end_event_id
    FROM claim AS c
    JOIN outcome AS o ON o.run_id = c.run_id AND o.session = c.session AND o.at_us >= c.at_us
    GROUP BY c.run_id, c.event_id
  )
SELECT
  c.run_id, c.worker, c.session, 'claim' AS use,
  c.at_us AS ts_us, coalesce(ended.ended_us, b.end_us) - c.at_us AS dur_us, ended.ended_us IS NULL AS is_open,
  c.event_id, ended.end_event_id
FROM claim AS c
JOIN log_bounds AS b ON b.run_id = c.run_id
LEFT JOIN ended ON ended.run_id = c.run_id AND ended.event_id = c.event_id
UNION ALL
SELECT run_id, worker, session, 'session' AS use, ts_us, dur_us, is_open, event_id, end_event_id
FROM session_interval
