-- Many leases that end together just after the store elected a leader.
--
-- While a store has no leader nobody can refresh, and the new leader cannot know the refreshes that the last one had not told
-- it of. It has to give every lease its whole time again; one that goes by what it knows ends healthy nodes in a heap.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-41
-- source: etcd-io/etcd issue 2660
-- needs: etcd_leader_elected, placement_config
-- says: {nodes} nodes lost their leases within {dur_us} of an election of {subject}
-- param least: 3 leases from which it counts
-- column nodes: nodes whose leases ended
-- column term: number of the leadership
-- impact: most of the cluster is placed anew at once, although every node was well
-- diagnosis: how long had the store no leader (etcd.leader_lost to etcd.leader_elected), and did node.lease_extended follow
-- mitigation: let the lessor extend all leases when it is elected; make the time to live longer than an election takes
WITH
  elected AS (
    SELECT e.run_id, e.subject_id, e.term, t.at_us, e.event_id
    FROM etcd_leader_elected AS e
    JOIN event_time AS t USING (event_no)
  ),
  ended AS (
    SELECT e.run_id, e.subject_id, e.term, e.at_us, e.event_id,
      x.subject_id AS node, t.at_us AS ended_us, x.event_id AS ended_event_id, t.position
    FROM elected AS e
    JOIN node_lease_expired AS x ON x.run_id = e.run_id
    JOIN event_time AS t ON t.event_no = x.event_no
    JOIN placement_config AS c ON c.run_id = e.run_id
    WHERE t.at_us >= e.at_us AND t.at_us < e.at_us + c.lease_ttl_us
  )
SELECT
  run_id, 'etcd' AS subject_kind, subject_id,
  at_us AS ts_us, max(ended_us) - at_us AS dur_us, false AS is_open, 'found' AS verdict,
  [event_id, min_by(ended_event_id, position), max_by(ended_event_id, position)] AS evidence,
  count(DISTINCT node) AS nodes, term
FROM ended
GROUP BY run_id, subject_id, at_us, event_id, term
HAVING count(DISTINCT node) >= $least
ORDER BY run_id, ts_us, subject_id, term, evidence
