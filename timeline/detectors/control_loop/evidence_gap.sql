-- Hole in the stream of an actor: events that were said and are not here.
--
-- Each process numbers its events. Where numbers are missing, what did not happen and what was not recorded look alike,
-- so a verdict that rests on silence in that stretch is worth less.
--
-- severity: info
-- alert_for: 15m
-- catalogue: DESIGN section 3
-- source: OpenTelemetry and Kubernetes both call their events best effort
-- needs: event.seq
-- says: events {first_missing} to {last_missing} of {subject} ({incarnation}) are missing
-- column incarnation: the process
-- column first_missing: first number that is missing
-- column last_missing: last number that is missing
-- impact: findings that rest on silence may be wrong in that stretch, and a replay from this log is not exact
-- diagnosis: compare with rejected_line (`timeline doctor`), with the shipper of the logs, and with the disk of that machine
-- mitigation: load the missing part of the log, if it still exists
SELECT
  g.run_id, 'actor' AS subject_kind, g.actor AS subject_id,
  coalesce(g.before_us, b.start_us) AS ts_us, g.after_us - coalesce(g.before_us, b.start_us) AS dur_us, false AS is_open,
  'unknown' AS verdict, [g.event_id] AS evidence,
  coalesce(g.incarnation, 'unnamed process') AS incarnation, g.first_missing, g.last_missing
FROM evidence_gap AS g
JOIN log_bounds AS b ON b.run_id = g.run_id
ORDER BY g.run_id, ts_us, subject_id, g.incarnation, g.first_missing, evidence
