-- Capacity that was asked for because a cache lagged.
--
-- An autoscaler may ask for nodes when there is a shortage. Here the shortage was over, for longer than a watch may take,
-- and nodes were asked for all the same: a lag that passes by itself became lasting cost.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-21
-- source: lesson 020, invariant 5 (an autoscaler does not amplify transient scheduler lag without a bound), scenario 1
-- needs: quota_config.watch_lag_us
-- says: {nodes} nodes were asked for {subject}, {age_us} after its quota {quota} had {true_value} free slots again
-- column workload: the workload
-- column quota: the quota that was said to have no room
-- column nodes: nodes that were asked for on that word
-- column true_value: free slots by then
-- column age_us: how long there had been room as the first one was asked for
-- column cost_slot_seconds: slots of those nodes times the time for which they were there
-- impact: nodes are paid for that nothing runs on, and with each late watch there are more
-- diagnosis: `timeline show replica/ID`: what did replica.unschedulable rest on; how late was the watch of the quota
-- mitigation: give back the empty nodes; confirm a shortage in the store, and ask once for each replica
WITH
  order_of_node AS (
    SELECT
      l.run_id, c.replica, c.workload, l.object_id AS quota, l.at_us, l.age_us, l.true_value, l.event_id, l.newer_event_id, c.slots,
      coalesce(min(t.at_us), min(b.end_us)) AS until_us, min(t.at_us) IS NULL AS is_open
    FROM observation_lag AS l
    JOIN capacity_requested AS c ON c.run_id = l.run_id AND c.event_id = l.event_id
    JOIN log_bounds AS b ON b.run_id = l.run_id
    LEFT JOIN capacity_removed AS r ON r.run_id = c.run_id AND r.subject_id = c.subject_id
    LEFT JOIN event_time AS t ON t.event_no = r.event_no
    WHERE l.would_change AND l.age_us >= l.allowed_us
    GROUP BY
      l.run_id, c.replica, c.workload, l.object_id, l.at_us, l.age_us, l.true_value, l.event_id, l.newer_event_id, c.slots
  )
SELECT
  run_id, 'replica' AS subject_kind, replica AS subject_id,
  min(at_us) AS ts_us, max(until_us) - min(at_us) AS dur_us, max(is_open) AS is_open, 'found' AS verdict,
  [min_by(newer_event_id, (at_us, event_id)), min_by(event_id, (at_us, event_id))] AS evidence,
  workload, quota, count(*) AS nodes, min_by(true_value, (at_us, event_id)) AS true_value, min_by(age_us, (at_us, event_id)) AS age_us,
  CAST(sum(slots * (until_us - at_us)) AS BIGINT) / 1000000 AS cost_slot_seconds
FROM order_of_node
GROUP BY run_id, replica, workload, quota
ORDER BY run_id, ts_us, subject_id, evidence
