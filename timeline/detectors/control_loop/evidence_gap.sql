-- Hole in the stream of an actor: events that were said and are not here.
--
-- Each process numbers its events. Where numbers are missing, what did not happen and what was not recorded look alike,
-- so a verdict that rests on silence in that stretch is worth less.
--
-- severity: info
-- alert_for: 15m
-- catalogue: DESIGN section 3
-- source: OpenTelemetry and Kubernetes both call their events best effort
-- needs: event_time
-- says: events {first_missing} to {last_missing} of {subject} ({incarnation}) are missing
-- column incarnation: the process
-- column first_missing: first number that is missing
-- column last_missing: last number that is missing
-- impact: findings that rest on silence may be wrong in that stretch, and a replay from this log is not exact
-- diagnosis: compare with rejected_line (`timeline doctor`), with the shipper of the logs, and with the disk of that machine
-- mitigation: load the missing part of the log, if it still exists
SELECT
  run_id, 'actor' AS subject_kind, actor AS subject_id,
  before_us AS ts_us, coalesce(after_us, before_us) - before_us AS dur_us, false AS is_open, 'unknown' AS verdict, [event_id] AS evidence,
  incarnation, first_missing, last_missing
FROM evidence_gap
ORDER BY run_id, ts_us, subject_id, incarnation, first_missing
