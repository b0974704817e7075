-- Exclusive thing that was refused although nobody held it.
--
-- From the question to the answer nobody can have held the thing: whoever held it last had been told before that it was free again,
-- and nobody else had asked for it yet. What is refused so is lost to everybody.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-12
-- source: the refusal of a free lock in the lock server log of the P examples
-- needs: hold_attempt, hold_interval
-- says: {subject} was refused to {holder} although nobody held it since {last_holder} gave it back
-- column activity: what its kinds are declared for
-- column holder: who was refused
-- column last_holder: who had held it last
-- impact: work waits for a thing that is free, and may wait for ever
-- diagnosis: `timeline show KIND/ID` around that moment; which state had the one who refused read
-- mitigation: ask again; if it goes on, start the server of the thing anew
WITH
  possible AS (
    SELECT run_id, activity, thing_kind, thing, maybe_from_position AS position, maybe_until_position AS until_position, ended_by, event_id
    FROM hold_interval
    UNION ALL
    -- A question without an answer may have been granted.
    SELECT run_id, activity, thing_kind, thing, asked_position, NULL, 'open', asked_event_id
    FROM hold_attempt
    WHERE answer IS NULL
  ),
  line AS (
    SELECT
      run_id, activity, thing_kind, thing, position, 1 AS rank, event_id,
      coalesce(until_position, 9223372036854775807) AS until_position, ended_by, event_id AS hold_event_id
    FROM possible
    UNION ALL
    SELECT
      run_id, activity, thing_kind, thing, greatest(asked_position, answered_position), 0, event_id,
      NULL, NULL, NULL
    FROM hold_attempt
    WHERE answer = 'acquire_refused' AND asked_position IS NOT NULL
  ),
  judged AS (
    SELECT
      *,
      max(until_position) OVER earlier AS free_position,
      max_by(ended_by, until_position) OVER earlier AS last_ended_by,
      max_by(hold_event_id, until_position) OVER earlier AS last_event_id
    FROM line
    WINDOW earlier AS (
      PARTITION BY run_id, activity, thing_kind, thing ORDER BY position, rank, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
  )
SELECT
  j.run_id, j.thing_kind AS subject_kind, j.thing AS subject_id,
  least(a.asked_us, a.answered_us) AS ts_us, abs(a.answered_us - a.asked_us) AS dur_us, false AS is_open,
  -- That somebody was given it may have been lost on its way here.
  CASE WHEN EXISTS (
    SELECT 1 FROM evidence_gap AS g
    WHERE g.run_id = j.run_id AND g.after_us >= h.maybe_until_us AND coalesce(g.before_us, a.answered_us) <= a.answered_us
  ) THEN 'unknown' ELSE 'found' END AS verdict,
  [h.end_event_id, a.asked_event_id, a.event_id] AS evidence,
  j.activity, a.holder, h.holder AS last_holder
FROM judged AS j
JOIN hold_attempt AS a ON a.run_id = j.run_id AND a.activity = j.activity AND a.event_id = j.event_id AND a.thing = j.thing
JOIN hold_interval AS h ON h.run_id = j.run_id AND h.activity = j.activity AND h.event_id = j.last_event_id AND h.thing = j.thing
WHERE j.rank = 0 AND j.last_ended_by = 'released' AND j.free_position < least(a.asked_position, a.answered_position)
  AND h.is_ordered
ORDER BY j.run_id, ts_us, subject_kind, subject_id, a.holder, a.event_id
