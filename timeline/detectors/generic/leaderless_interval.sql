-- Thing that somebody has to hold at all times, and nobody did.
--
-- The last hold was over, and nobody can have held the thing again before somebody asked for it, for longer than its source allows.
-- Work that only the holder does was not done.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-02
-- source: duckgres pull 820 (no leader), as a rule for any lock or lease whose source says how long it may be free
-- needs: hold_interval, role_within.acquired_within_us
-- says: nobody held {subject} for {dur_us} after {last_holder}; it may be free for {within_us}
-- column activity: what its kinds are declared for
-- column last_holder: who held it before
-- column within_us: how long it may be free
-- impact: what only its holder does is not done
-- diagnosis: did anybody ask for it in that time; `timeline show KIND/ID`
-- mitigation: start those anew who are to ask for it
WITH
  hold AS (
    SELECT
      h.*, w.acquired_within_us AS within_us, coalesce(h.maybe_until_us, 9223372036854775807) AS until_us
    FROM hold_interval AS h
    JOIN role_within AS w ON w.run_id = h.run_id AND w.activity = h.activity AND w.acquired_within_us IS NOT NULL
  ),
  followed AS (
    SELECT
      *,
      max(until_us) OVER (so_far ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS free_us,
      max_by(event_id, (until_us, position)) OVER (so_far ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS last_event_id,
      lead(maybe_from_us) OVER so_far AS next_asked_us, lead(ts_us) OVER so_far AS next_us, lead(event_id) OVER so_far AS next_event_id
    FROM hold
    WINDOW so_far AS (PARTITION BY run_id, activity, thing_kind, thing ORDER BY maybe_from_us, position, event_id)
  )
SELECT
  f.run_id, f.thing_kind AS subject_kind, f.thing AS subject_id,
  f.free_us AS ts_us, coalesce(f.next_us, b.end_us) - f.free_us AS dur_us, f.next_us IS NULL AS is_open,
  CASE WHEN coalesce(f.next_asked_us, b.end_us) - f.free_us <= f.within_us THEN 'pending' ELSE 'found' END AS verdict,
  [last.event_id, last.end_event_id, f.next_event_id] AS evidence,
  f.activity, last.holder AS last_holder, f.within_us
FROM followed AS f
JOIN log_bounds AS b ON b.run_id = f.run_id AND f.free_us < b.end_us
JOIN hold AS last ON last.run_id = f.run_id AND last.activity = f.activity AND last.event_id = f.last_event_id AND last.thing = f.thing
WHERE last.ended_by IN ('released', 'lapsed') AND (coalesce(f.next_asked_us, b.end_us) - f.free_us > f.within_us OR f.next_us IS NULL)
ORDER BY f.run_id, ts_us, subject_kind, subject_id, f.event_id
