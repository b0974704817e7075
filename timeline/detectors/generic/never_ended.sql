-- Something that was started and never ended.
--
-- It was started again without an end in between, or its scope was closed while it went on, or it goes on for longer than its source
-- says it may. What is meant to stay open is told as pending, and nothing more.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-11
-- source: the pair log of the P examples (a slot that is never freed); actions/actions-runner-controller issue 3685
-- needs: role_interval
-- says: {subject} was started and {how} ({dur_us})
-- column activity: what its kinds are declared for
-- column holder: who runs it; null where nobody is named
-- column how: what became of it
-- column within_us: how soon it was to end; null where nothing says so
-- impact: what it holds, a slot or a worker, is never free again
-- diagnosis: `timeline show KIND/ID`; who was to end it, and is that one alive
-- mitigation: free what it holds by hand; give its start a deadline
WITH
  closable AS (
    SELECT DISTINCT run_id, activity FROM kind_role WHERE role = 'closed'
  ),
  judged AS (
    SELECT
      i.*, w.ended_within_us AS within_us,
      CASE
        WHEN i.role = 'opened' THEN 'pending'
        WHEN i.is_sure AND (i.ended_by = 'started_again' OR i.closed_us IS NOT NULL) THEN 'found'
        WHEN i.dur_us > w.ended_within_us THEN 'found'
        ELSE 'pending'
      END AS verdict
    FROM role_interval AS i
    LEFT JOIN role_within AS w ON w.run_id = i.run_id AND w.activity = i.activity
    LEFT JOIN closable AS c ON c.run_id = i.run_id AND c.activity = i.activity
    WHERE (i.is_open AND (i.role = 'opened' OR w.ended_within_us IS NOT NULL OR c.run_id IS NOT NULL))
      OR i.dur_us > w.ended_within_us OR i.closed_us IS NOT NULL OR (i.ended_by = 'started_again' AND i.is_sure AND i.role = 'started')
  )
SELECT
  j.run_id, j.thing_kind AS subject_kind, j.thing AS subject_id, j.ts_us, j.dur_us, j.is_open, j.verdict,
  [j.event_id, j.end_event_id, j.closed_event_id] AS evidence,
  j.activity, j.holder,
  CASE
    WHEN j.role = 'opened' THEN 'is open'
    WHEN j.ended_by = 'started_again' THEN 'started again before it ended'
    WHEN j.closed_us IS NOT NULL THEN 'was still going on when its scope was closed'
    WHEN j.is_open THEN 'has not ended'
    ELSE 'ended too late'
  END AS how,
  j.within_us
FROM judged AS j
ORDER BY j.run_id, j.ts_us, subject_kind, subject_id, j.event_id
