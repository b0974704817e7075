-- The last healthy recovery capacity was deleted.
--
-- What others fall back upon is replaced first and deleted then. Here a replica was deleted, for another reason than that
-- nobody wants its workload any more, while no other one of its workload ran.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-42
-- source: lesson 020, invariant 3 (rollback does not delete the only healthy recovery capacity); ray-project/ray issue 47578
-- needs: quota_event
-- says: {subject}, the last healthy recovery capacity of {workload}, was deleted ({cause}); there was none for {dur_us}
-- column workload: the workload
-- column generation: its generation
-- column cause: why it was deleted
-- impact: while nothing of it runs, a failure elsewhere has nothing to fall back upon
-- diagnosis: `timeline show workload/ID`: what was counted as healthy, and was a replacement on its way
-- mitigation: wait for the replacement to run; delete only what is replaced, and expect its replacement in the same commit
WITH
  victim AS (
    SELECT d.run_id, d.subject_id AS replica, d.workload, d.generation, d.reason AS cause, t.at_us, d.event_id
    FROM replica_deleted AS d
    JOIN event_time AS t USING (event_no)
    WHERE d.role = 'recovery' AND d.was_healthy AND d.healthy_left = 0 AND d.reason <> 'retired'
  ),
  back AS (
    SELECT v.run_id, v.event_id, min(t.at_us) AS back_us, min_by(s.event_id, t.position) AS back_event_id
    FROM victim AS v
    JOIN replica_started AS s ON s.run_id = v.run_id AND s.workload = v.workload
    JOIN event_time AS t ON t.event_no = s.event_no AND t.at_us > v.at_us
    GROUP BY v.run_id, v.event_id
  )
SELECT
  v.run_id, 'replica' AS subject_kind, v.replica AS subject_id,
  v.at_us AS ts_us, coalesce(back.back_us, b.end_us) - v.at_us AS dur_us, back.back_us IS NULL AS is_open, 'found' AS verdict,
  [v.event_id, back.back_event_id] AS evidence,
  v.workload, v.generation, v.cause
FROM victim AS v
JOIN log_bounds AS b ON b.run_id = v.run_id
LEFT JOIN back ON back.run_id = v.run_id AND back.event_id = v.event_id
ORDER BY v.run_id, ts_us, subject_id, evidence
