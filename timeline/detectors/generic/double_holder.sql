-- Two holders of a thing that only one may hold at a time.
--
-- Each was told that it holds the thing, and neither had begun to give it back when the other was told so. Whatever the moment
-- between question and answer at which each grant took effect, both held it at once.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-18
-- source: linearizability of locks as Jepsen tests it; the double grant in the lock server log of the P examples
-- needs: hold_interval
-- says: {subject} was given to {holder} while {other_holder} held it, and both held it for {dur_us}
-- column activity: what its kinds are declared for
-- column holder: who was given it although it was held
-- column other_holder: who held it
-- impact: what the thing protects is done twice, or mixed up
-- diagnosis: `timeline show KIND/ID` around that moment; what had the giver read when it granted
-- mitigation: stop one of the two holders; fence its writes with a number that grows with each grant
WITH
  rival AS (
    SELECT
      *,
      max_by(event_id, (coalesce(sure_until_position, 9223372036854775807), position)) OVER earlier AS other_event_id
    FROM hold_interval
    WINDOW earlier AS (
      PARTITION BY run_id, activity, thing_kind, thing ORDER BY position, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
  ),
  both_held AS (
    SELECT
      r.run_id, r.activity, r.thing_kind, r.thing, r.holder, o.holder AS other_holder, r.event_id, r.other_event_id, r.ts_us,
      least(coalesce(r.sure_until_us, b.end_us), coalesce(o.sure_until_us, b.end_us)) AS until_us,
      r.sure_until_us IS NULL AND o.sure_until_us IS NULL AS is_open, o.ts_us AS other_us
    FROM rival AS r
    JOIN hold_interval AS o ON o.run_id = r.run_id AND o.activity = r.activity AND o.event_id = r.other_event_id AND o.thing = r.thing
    JOIN log_bounds AS b ON b.run_id = r.run_id
    WHERE r.holder IS DISTINCT FROM o.holder
      AND (o.sure_until_position IS NULL OR o.sure_until_position > r.position)
      AND coalesce(o.sure_until_us, b.end_us) >= r.ts_us
      AND (r.is_ordered AND o.is_ordered OR least(coalesce(r.sure_until_us, b.end_us), coalesce(o.sure_until_us, b.end_us)) > r.ts_us)
  )
SELECT
  d.run_id, d.thing_kind AS subject_kind, d.thing AS subject_id,
  d.ts_us, d.until_us - d.ts_us AS dur_us, d.is_open,
  -- What looks like a double grant may be a release that was lost on its way here.
  CASE WHEN EXISTS (
    SELECT 1 FROM evidence_gap AS g WHERE g.run_id = d.run_id AND g.after_us >= d.other_us AND coalesce(g.before_us, d.ts_us) <= d.ts_us
  ) THEN 'unknown' ELSE 'found' END AS verdict,
  [d.other_event_id, d.event_id] AS evidence,
  d.activity, d.holder, d.other_holder
FROM both_held AS d
ORDER BY d.run_id, d.ts_us, subject_kind, subject_id, d.holder, evidence
