-- Each attempt to acquire an exclusive thing, as an interval from question to answer.
--
-- It took effect at some moment in between, and nobody outside knows at which. Where no operation is named, an answer
-- belongs to its holder's last question. An answer that nobody asked for has no question; a question may have no answer.
--
-- column run_id: the run
-- column activity: the activity
-- column thing_kind: sort of the thing
-- column thing: the thing
-- column holder: who asked for it
-- column answer: acquired or acquire_refused; null where none is in the log
-- column asked_us: when it was asked for; null where that is not in the log
-- column asked_position: place of the question in the run
-- column answered_us: when it was answered
-- column answered_position: place of the answer in the run
-- column asked_event_id: the question
-- column event_id: the answer
WITH
  numbered AS (
    SELECT *, sum(CASE WHEN role = 'acquire_attempted' THEN 1 ELSE 0 END) OVER own AS questions
    FROM role_event
    WHERE role IN ('acquire_attempted', 'acquired', 'acquire_refused')
    WINDOW own AS (
      PARTITION BY run_id, activity, thing_kind, thing, holder ORDER BY position, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
  ),
  said AS (
    SELECT *, coalesce(operation, CAST(questions AS VARCHAR)) AS question FROM numbered
  ),
  asked AS (
    SELECT
      run_id, activity, thing_kind, thing, holder, question,
      min(at_us) AS asked_us, min(position) AS asked_position, min_by(event_id, position) AS event_id
    FROM said
    WHERE role = 'acquire_attempted'
    GROUP BY run_id, activity, thing_kind, thing, holder, question
  ),
  answered AS (
    SELECT * FROM said WHERE role <> 'acquire_attempted'
  )
SELECT
  coalesce(a.run_id, q.run_id) AS run_id, coalesce(a.activity, q.activity) AS activity,
  coalesce(a.thing_kind, q.thing_kind) AS thing_kind, coalesce(a.thing, q.thing) AS thing, coalesce(a.holder, q.holder) AS holder,
  a.role AS answer, q.asked_us, q.asked_position, a.at_us AS answered_us, a.position AS answered_position,
  q.event_id AS asked_event_id, a.event_id
FROM asked AS q
FULL JOIN answered AS a
  ON a.run_id = q.run_id AND a.activity = q.activity AND a.thing_kind = q.thing_kind AND a.thing = q.thing
  AND a.holder IS NOT DISTINCT FROM q.holder AND a.question = q.question
