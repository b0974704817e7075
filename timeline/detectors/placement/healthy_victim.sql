-- Healthy instance that a scale-down ended while an unhealthy one of its job was there.
--
-- A scale-down ends those first that serve nobody. Ending another deletes the local storage of a working instance and
-- leaves the job with one working instance less than it paid for.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-42
-- source: design note of Ozymandias (the scheduler picks instances to terminate); ray-project/ray issue 47578
-- needs: instance_state_interval, placement_config
-- says: {subject} was healthy and was ended, while {sibling} of the same job had been {state} for {sibling_us}
-- param grace_us: 2000000 time that both must have been so before the decision, since it was computed a little earlier
-- column sibling: the instance that should have been ended
-- column state: its state
-- column sibling_us: how long it had been so
-- impact: local storage of a working instance is lost, and the job serves less than it could
-- diagnosis: `timeline show instance/ID`; what did the decision read of both, and how old was it
-- mitigation: scale up again; mend the order in which victims are chosen
WITH
  victim AS (
    SELECT d.run_id, d.subject_id AS instance, d.workload AS job, t.at_us, d.event_id
    FROM instance_dropped AS d
    JOIN event_time AS t USING (event_no)
    JOIN placement_config AS c ON c.run_id = d.run_id AND c.victim_policy = 'unhealthy_first'
    JOIN instance_state_interval AS i ON i.run_id = d.run_id AND i.instance = d.subject_id AND i.end_event_id = d.event_id
    WHERE d.reason = 'scaled_down' AND i.state = 'healthy' AND i.dur_us > $grace_us
  )
SELECT
  v.run_id, 'instance' AS subject_kind, v.instance AS subject_id,
  v.at_us AS ts_us, 0 AS dur_us, false AS is_open, 'found' AS verdict, [s.event_id, v.event_id] AS evidence,
  s.instance AS sibling, s.state, v.at_us - s.ts_us AS sibling_us
FROM victim AS v
JOIN instance_state_interval AS s ON s.run_id = v.run_id AND s.job = v.job AND s.state IN ('allocated', 'starting', 'unhealthy', 'stopped')
  AND s.ts_us + $grace_us < v.at_us AND (s.ts_us + s.dur_us > v.at_us OR s.is_open)
QUALIFY row_number() OVER (PARTITION BY v.run_id, v.instance ORDER BY s.ts_us, s.instance, s.event_id) = 1
ORDER BY v.run_id, ts_us, subject_id, evidence
