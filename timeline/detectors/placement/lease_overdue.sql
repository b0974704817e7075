-- Lease that ran out and is still believed, or whose keys are still there.
--
-- A lease that was not refreshed within its time to live is over, and everything that was written under it goes with it.
-- When the store does not end it, or ends it and leaves its keys, others act on what a dead node once said.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-40
-- source: etcd-io/etcd issue 9935; design note of Ozymandias (stores all of its state using a lease)
-- needs: node_lease_interval, lessor_swept
-- says: the lease of {subject} ran out and {what} for {dur_us}
-- param leases: 1 whole times to live past the end before it counts
-- column what: what is still there
-- column term: number of the lease
-- impact: a node that is gone keeps its slots, or its instances are found by name and do not answer
-- diagnosis: what did lessor.swept count in that time; `timeline show node/ID`
-- mitigation: revoke the lease by hand, then delete the keys that name the node
WITH
  heard AS (
    SELECT s.run_id, max(t.at_us) AS heard_us
    FROM lessor_swept AS s
    JOIN event_time AS t USING (event_no)
    GROUP BY s.run_id
  ),
  overdue AS (
    SELECT
      run_id, node, term, 'nobody ended it' AS what, last_refreshed_us + ttl_us AS from_us, ts_us + dur_us AS until_us, is_open,
      last_refreshed_us + (1 + $leases) * ttl_us AS due_us, last_refreshed_event_id AS event_id, end_event_id AS other_event_id
    FROM node_lease_interval
    WHERE last_refreshed_us IS NOT NULL
    UNION ALL
    SELECT
      l.run_id, l.node, l.term, 'a DNS record of the node stayed' AS what, l.ts_us + l.dur_us AS from_us,
      least(coalesce(l.next_us, r.ts_us + r.dur_us), r.ts_us + r.dur_us) AS until_us, r.is_open AND l.next_us IS NULL AS is_open,
      l.ts_us + l.dur_us + $leases * l.ttl_us AS due_us, l.end_event_id AS event_id, r.event_id AS other_event_id
    FROM node_lease_interval AS l
    JOIN dns_record_interval AS r ON r.run_id = l.run_id AND r.node = l.node AND r.term <= l.term
      AND r.ts_us + r.dur_us > l.ts_us + l.dur_us
    WHERE l.ended_by = 'expired'
  )
SELECT
  o.run_id, 'node' AS subject_kind, node AS subject_id, from_us AS ts_us, until_us - from_us AS dur_us, is_open,
  CASE WHEN until_us > due_us AND heard_us > due_us THEN 'found' ELSE 'pending' END AS verdict,
  [event_id, other_event_id] AS evidence,
  what, term
FROM overdue AS o
JOIN heard AS h ON h.run_id = o.run_id
WHERE (until_us > due_us AND heard_us > due_us) OR (is_open AND until_us > from_us)
QUALIFY row_number() OVER (PARTITION BY o.run_id, node, term ORDER BY due_us, from_us, other_event_id) = 1
ORDER BY o.run_id, ts_us, subject_id, term, evidence
