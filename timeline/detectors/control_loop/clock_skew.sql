-- Actor whose clock is not the store's.
--
-- A clock that is off proves no leak. It says which wall times are no evidence: the order of this actor's events against
-- others' comes from commits and causes alone.
--
-- severity: info
-- alert_for: 15m
-- catalogue: DESIGN section 3
-- source: every distributed log; durations are never the difference of two machines' clocks here
-- needs: event.commit_us
-- says: the clock of {subject} is off by {offset_us} against the store's, as its {basis} tell
-- param skew_us: 1000000 offset from which a clock counts as off
-- column offset_us: how far the clock is ahead; negative where it is behind
-- column basis: what the offset was learned from: commits or causes
-- column events: events of that actor
-- impact: people who compare log lines by their printed time are misled
-- diagnosis: check time synchronisation on that machine
-- mitigation: mend its time synchronisation; the timelines here are placed by the store's clock already
WITH
  skewed AS (
    SELECT * FROM actor_clock WHERE abs(offset_us) - slack_us > $skew_us
  ),
  said AS (
    SELECT e.run_id, e.actor, min(t.at_us) AS ts_us, max(t.at_us) AS last_us, min_by(e.event_id, t.position) AS event_id
    FROM skewed AS s
    JOIN event AS e ON e.run_id = s.run_id AND e.actor = s.actor
    JOIN event_time AS t USING (event_no)
    GROUP BY e.run_id, e.actor
  )
SELECT
  s.run_id, 'actor' AS subject_kind, s.actor AS subject_id,
  said.ts_us, said.last_us - said.ts_us AS dur_us, true AS is_open, 'unknown' AS verdict, [said.event_id] AS evidence,
  s.offset_us, s.basis, s.events
FROM skewed AS s
JOIN said ON said.run_id = s.run_id AND said.actor = s.actor
ORDER BY s.run_id, said.ts_us, subject_id, evidence
