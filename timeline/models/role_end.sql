-- Each end of something, and what the log says of the same thing before it.
--
-- A pair is of a thing, whoever runs it; a hold is of a thing and its holder. Only where the log tells of starts is an end without
-- one worth anything.
--
-- column run_id: the run
-- column activity: the activity
-- column role: ended or released
-- column thing_kind: sort of the thing
-- column thing: the thing
-- column holder: who ended it; null where nobody is named
-- column at_us: when
-- column before_us: when something was said of it before
-- column role_before: what was said of it before; `asked` for a question to hold it that has no answer; null for nothing
-- column is_whole: nothing was going on before the log's first event
-- column is_sure: no other event of that moment may have come before it
-- column event_id: the end
-- column event_id_before: what was said before
WITH
  said AS (
    SELECT
      run_id, activity, thing_kind, thing, holder, role, CASE WHEN role NOT IN ('started', 'opened', 'ended') THEN holder END AS own_holder,
      is_whole, is_ordered, at_us, position, event_id
    FROM role_event
    WHERE role IN ('started', 'opened', 'ended', 'acquired', 'renewed', 'released', 'release_refused')
    UNION ALL
    -- A question without an answer may have been granted.
    SELECT run_id, activity, thing_kind, thing, holder, 'asked', holder, false, true, asked_us, asked_position, asked_event_id
    FROM hold_attempt
    WHERE answer IS NULL
  ),
  followed AS (
    SELECT
      *,
      lag(at_us) OVER own AS before_us, lag(role) OVER own AS role_before, lag(event_id) OVER own AS event_id_before,
      is_ordered OR count(*) OVER (PARTITION BY run_id, activity, thing_kind, thing, at_us) = 1 AS is_sure,
      sum(CASE WHEN role IN ('started', 'opened', 'acquired') THEN 1 ELSE 0 END) OVER (PARTITION BY run_id, activity) AS starts
    FROM said
    WINDOW own AS (PARTITION BY run_id, activity, thing_kind, thing, own_holder ORDER BY position, event_id)
  )
SELECT run_id, activity, role, thing_kind, thing, holder, at_us, before_us, role_before, is_whole, is_sure, event_id, event_id_before
FROM followed
WHERE role IN ('ended', 'released') AND (starts > 0 OR is_whole)
