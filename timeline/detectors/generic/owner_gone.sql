-- Holder that is gone, and what it held is still held.
--
-- Its end was seen, and for longer than its source allows nothing gave back what it held, or gave it to another.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-32
-- source: slots and locks of dead holders in Airflow, Argo, Kueue and hatchet
-- needs: role_event, role_within.gone_within_us
-- says: {subject} was still held by {holder} {dur_us} after that was gone; it was to be free within {within_us}
-- column activity: what its kinds are declared for
-- column holder: who is gone
-- column within_us: how long it may be held after
-- impact: nobody else can have it
-- diagnosis: who was to take it back; does that one see that the holder is gone
-- mitigation: take it back by hand
WITH
  held AS (
    SELECT
      run_id, activity, thing_kind, thing, holder, ts_us, coalesce(maybe_until_us, sure_until_us) AS until_us, event_id
    FROM hold_interval
    UNION ALL
    SELECT run_id, activity, thing_kind, thing, holder, ts_us, CASE WHEN NOT is_open THEN ts_us + dur_us END, event_id
    FROM role_interval
  ),
  bereft AS (
    SELECT
      h.run_id, h.activity, h.thing_kind, h.thing, h.holder, h.event_id, w.gone_within_us AS within_us, b.end_us,
      g.at_us AS gone_us, g.event_id AS gone_event_id, h.until_us, min(n.ts_us) AS taken_us
    FROM held AS h
    JOIN role_event AS g ON g.run_id = h.run_id AND g.activity = h.activity AND g.role = 'gone' AND coalesce(g.holder, g.thing) = h.holder
      AND g.at_us > h.ts_us AND (h.until_us IS NULL OR g.at_us < h.until_us)
    JOIN role_within AS w ON w.run_id = h.run_id AND w.activity = h.activity AND w.gone_within_us IS NOT NULL
    JOIN log_bounds AS b ON b.run_id = h.run_id
    LEFT JOIN held AS n ON n.run_id = h.run_id AND n.activity = h.activity AND n.thing_kind = h.thing_kind AND n.thing = h.thing
      AND n.ts_us >= g.at_us
    GROUP BY h.run_id, h.activity, h.thing_kind, h.thing, h.holder, h.event_id, w.gone_within_us, b.end_us, g.at_us, g.event_id, h.until_us
  ),
  ended AS (
    SELECT
      *,
      least(coalesce(until_us, end_us), coalesce(taken_us, end_us)) AS ended_us, until_us IS NULL AND taken_us IS NULL AS is_open
    FROM bereft
  )
SELECT
  e.run_id, e.thing_kind AS subject_kind, e.thing AS subject_id,
  e.gone_us AS ts_us, e.ended_us - e.gone_us AS dur_us, e.is_open,
  CASE WHEN e.ended_us - e.gone_us <= e.within_us THEN 'pending' ELSE 'found' END AS verdict,
  [e.event_id, e.gone_event_id] AS evidence,
  e.activity, e.holder, e.within_us
FROM ended AS e
WHERE e.ended_us - e.gone_us > e.within_us OR e.is_open
ORDER BY e.run_id, ts_us, subject_kind, subject_id, e.holder, e.event_id
