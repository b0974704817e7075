-- Reservation of a replica that is gone, and that repair does not take back.
--
-- A deletion leaves the room of what was deleted behind, and a crash what it had just reserved. Repair takes that back
-- within a few scans. Here it scanned again and again, and the room is still taken.
--
-- severity: invariant
-- alert_for: 1m
-- catalogue: X-14
-- source: lesson 020, invariant 4 (repair eventually removes orphaned state); gadget-inc/silo issue 406 for the verdicts
-- needs: quota_config
-- says: {subject} has kept room on {node} for {dur_us} though {replica} is gone; repair scanned {scans} times since it was due
-- param grace_us: 1000000 time past the age of an orphan and three scans before it counts
-- column replica: the replica that is gone
-- column node: the node whose slot it keeps
-- column quota: the quota whose slot it keeps
-- column scans: scans of repair since it was due
-- column cost_slot_seconds: time in which the slot was kept for nothing
-- impact: the quota and the node look fuller than they are, until nothing more is let in
-- diagnosis: `timeline show reservation/ID`: does repair say reservation.left, and for which reason
-- mitigation: release the reservation by hand; repair has to treat an owner that is not there as a verdict, not as a doubt
WITH
  orphan AS (
    SELECT
      r.run_id, r.reservation, r.replica, r.node, r.quota, r.event_id, d.event_id AS gone_event_id, r.is_open,
      greatest(r.ts_us, t.at_us) AS ts_us, r.ts_us + r.dur_us AS until_us,
      greatest(r.ts_us, t.at_us) + c.orphan_after_us AS due_us,
      greatest(r.ts_us, t.at_us) + c.orphan_after_us + 3 * c.repair_tick_us + $grace_us AS overdue_us
    FROM reservation_interval AS r
    JOIN quota_config AS c ON c.run_id = r.run_id
    JOIN replica_deleted AS d ON d.run_id = r.run_id AND d.subject_id = r.replica
    JOIN event_time AS t ON t.event_no = d.event_no AND t.at_us < r.ts_us + r.dur_us
  ),
  scan AS (
    SELECT o.run_id, o.event_id, count(*) AS scans, max_by(s.event_id, t.position) AS scan_event_id
    FROM orphan AS o
    JOIN repair_scanned AS s ON s.run_id = o.run_id AND s.outcome = 'observed'
    JOIN event_time AS t ON t.event_no = s.event_no AND t.at_us > o.due_us AND t.at_us <= o.until_us
    GROUP BY o.run_id, o.event_id
  )
SELECT
  o.run_id, 'reservation' AS subject_kind, o.reservation AS subject_id,
  o.ts_us, o.until_us - o.ts_us AS dur_us, o.is_open,
  CASE WHEN o.until_us > o.overdue_us AND scans >= 3 THEN 'found' ELSE 'pending' END AS verdict,
  [o.gone_event_id, o.event_id, s.scan_event_id] AS evidence,
  o.replica, o.node, o.quota, coalesce(s.scans, 0) AS scans, greatest(o.until_us - o.due_us, 0) / 1000000 AS cost_slot_seconds
FROM orphan AS o
LEFT JOIN scan AS s ON s.run_id = o.run_id AND s.event_id = o.event_id
WHERE (o.until_us > o.overdue_us AND s.scans >= 3) OR (o.is_open AND o.until_us > o.due_us)
ORDER BY o.run_id, o.ts_us, subject_id, evidence
