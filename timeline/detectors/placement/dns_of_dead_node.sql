-- DNS record that leads to a node without a lease, or to an instance that has ended.
--
-- A record stands for a healthy instance. It has to go with the health of the instance, with the instance, and with the
-- lease of its node; one that is bound to none of these leads requests into nothing.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-33
-- source: design note of Ozymandias (a node's state is bound to its lease, its DNS records are not said to be)
-- needs: dns_record_interval, placement_config, lessor_swept
-- says: {subject} of job {job} led to {node} for {dur_us} after {why}
-- param windows: 1 leases that may pass before it counts
-- column job: the name that is resolved
-- column node: where it leads
-- column why: what should have removed it
-- impact: a part of the requests fails or hangs, for as long as the record is there
-- diagnosis: `timeline show dns_record/ID`; did node.lease_expired count the record among its keys
-- mitigation: delete the record by hand
WITH
  wrong AS (
    SELECT r.run_id, r.record, r.job, r.node, r.ts_us, r.dur_us, r.is_open AND l.next_us IS NULL AS is_open, r.event_id, r.end_event_id,
      'the lease of the node had run out' AS why, l.ts_us + l.dur_us AS since_us, l.end_event_id AS why_event_id,
      least(r.ts_us + r.dur_us, coalesce(l.next_us, r.ts_us + r.dur_us)) AS ended_us
    FROM dns_record_interval AS r
    JOIN node_lease_interval AS l ON l.run_id = r.run_id AND l.node = r.node AND l.ended_by = 'expired'
      AND r.ts_us + r.dur_us > l.ts_us + l.dur_us
    UNION ALL
    SELECT r.run_id, r.record, r.job, r.node, r.ts_us, r.dur_us, r.is_open, r.event_id, r.end_event_id,
      'its instance had ended' AS why, i.ts_us AS since_us, i.event_id AS why_event_id, r.ts_us + r.dur_us AS ended_us
    FROM dns_record_interval AS r
    JOIN instance_state_interval AS i ON i.run_id = r.run_id AND i.instance = r.instance AND i.state IN ('gone', 'lost')
      AND r.ts_us + r.dur_us > i.ts_us
  ),
  heard AS (
    SELECT s.run_id, max(t.at_us) AS heard_us
    FROM lessor_swept AS s
    JOIN event_time AS t USING (event_no)
    GROUP BY s.run_id
  ),
  judged AS (
    SELECT
      w.*, greatest(w.since_us, w.ts_us) AS from_us, heard_us,
      greatest(w.since_us, w.ts_us) + $windows * c.lease_ttl_us + c.tick_us AS overdue_us
    FROM wrong AS w
    JOIN placement_config AS c ON c.run_id = w.run_id
    JOIN heard AS h ON h.run_id = w.run_id
  )
SELECT
  run_id, 'dns_record' AS subject_kind, record AS subject_id,
  from_us AS ts_us, ended_us - from_us AS dur_us, is_open,
  CASE WHEN ended_us > overdue_us AND heard_us > overdue_us THEN 'found' ELSE 'pending' END AS verdict,
  [event_id, why_event_id, end_event_id] AS evidence,
  job, node, why
FROM judged
WHERE (ended_us > overdue_us AND heard_us > overdue_us) OR (is_open AND ended_us > from_us)
QUALIFY row_number() OVER (PARTITION BY run_id, record ORDER BY from_us, why, why_event_id) = 1
ORDER BY run_id, ts_us, subject_id, evidence
