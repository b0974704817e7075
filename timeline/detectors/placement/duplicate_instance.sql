-- Slot that runs on two nodes at once.
--
-- A schedule gives a slot to one node. When a node is cut off, the others may give its slots away only after its own runtime
-- has stopped them; else the old container and the new one both run, both answer, and both write to the shared volume.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-18
-- source: design note of Ozymandias (containers run on while a cut-off scheduler waits); hashicorp/nomad, stop_after_client_disconnect
-- needs: container_interval, placement_config
-- says: {subject} ran on {first_node} and {second_node} at once for {dur_us}
-- param grace_us: 1000000 overlap past the time that a container takes to stop, before it counts
-- column first_node: where it ran first
-- column second_node: where it was started as well
-- impact: two copies write to one place; what must be single, such as a database, is corrupted
-- diagnosis: `timeline show slot/ID`: when did the first node lose its lease, and did its runtime say runtime.fenced
-- mitigation: stop the container of the node that does not hold the slot in the schedule
WITH
  running AS (
    SELECT r.*, coalesce(k.slack_us, 0) AS slack_us
    FROM container_interval AS r
    LEFT JOIN actor_clock AS k ON k.run_id = r.run_id AND k.actor = r.actor
    WHERE launched_us IS NOT NULL
  ),
  twin AS (
    SELECT
      a.run_id, a.slot, a.node AS first_node, b.node AS second_node, b.launched_us AS ts_us,
      a.launch_event_id AS first_event_id, b.launch_event_id,
      least(a.stopped_us, b.stopped_us) AS ended_us, a.stop_event_id IS NULL AND b.stop_event_id IS NULL AS is_open, a.stop_event_id,
      c.stop_us + a.slack_us + b.slack_us + $grace_us AS allowed_us
    FROM running AS a
    JOIN running AS b ON b.run_id = a.run_id AND b.slot = a.slot AND b.node <> a.node
      AND (a.launched_us < b.launched_us OR (a.launched_us = b.launched_us AND a.node < b.node))
      AND b.launched_us < a.stopped_us
    JOIN placement_config AS c ON c.run_id = a.run_id
  )
SELECT
  run_id, 'slot' AS subject_kind, slot AS subject_id, ts_us, ended_us - ts_us AS dur_us, is_open, 'found' AS verdict,
  [first_event_id, launch_event_id, stop_event_id] AS evidence,
  first_node, second_node
FROM twin
WHERE ended_us - ts_us > allowed_us
ORDER BY run_id, ts_us, subject_id, first_node, second_node, evidence
