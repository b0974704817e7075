-- A status of an older generation was taken for one of the generation that is wanted.
--
-- A status says how the generation is that it looked at. Whoever acts on it compares that with the generation that is wanted:
-- a `ready` of yesterday's says nothing of today's. Here older replicas were given up on such a word.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-20
-- source: lesson 020, invariant 6 (status conditions refer to the generation they actually observed)
-- needs: quota_event
-- says: {subject} counted as ready in generation {generation} by a status of generation {observed_generation} ({ready} of {replicas})
-- column generation: the generation that was acted upon
-- column observed_generation: the generation that the status was about
-- column ready: replicas that it said run
-- column replicas: how many were wanted
-- column deleted: replicas that were deleted as superseded before any of the new generation ran
-- impact: what still serves is deleted before what takes its place runs
-- diagnosis: `timeline show workload/ID`: when was the generation admitted, and when did a status of it come
-- mitigation: admit the generation again only when its replicas run; compare observed_generation before a status is believed
WITH
  taken AS (
    SELECT
      p.run_id, p.subject_id AS workload, p.generation, p.observed_generation, p.ready, p.replicas, t.at_us, p.event_id
    FROM workload_promoted AS p
    JOIN event_time AS t USING (event_no)
    WHERE p.observed_generation < p.generation
    QUALIFY row_number() OVER (PARTITION BY p.run_id, p.subject_id, p.generation ORDER BY t.position) = 1
  ),
  served AS (
    SELECT k.run_id, k.event_id, min(t.at_us) AS served_us
    FROM taken AS k
    JOIN replica_started AS s ON s.run_id = k.run_id AND s.workload = k.workload AND s.generation = k.generation
    JOIN event_time AS t ON t.event_no = s.event_no AND t.at_us > k.at_us
    GROUP BY k.run_id, k.event_id
  ),
  judged AS (
    SELECT k.*, coalesce(served.served_us, b.end_us) AS until_us, served.served_us IS NULL AS is_open
    FROM taken AS k
    JOIN log_bounds AS b ON b.run_id = k.run_id
    LEFT JOIN served ON served.run_id = k.run_id AND served.event_id = k.event_id
  )
SELECT
  j.run_id, 'workload' AS subject_kind, j.workload AS subject_id,
  j.at_us AS ts_us, j.until_us - j.at_us AS dur_us, j.is_open, 'found' AS verdict, [j.event_id] AS evidence,
  j.generation, j.observed_generation, j.ready, j.replicas, count(t.at_us) AS deleted
FROM judged AS j
LEFT JOIN replica_deleted AS d ON d.run_id = j.run_id AND d.workload = j.workload AND d.generation < j.generation
  AND d.reason = 'superseded'
LEFT JOIN event_time AS t ON t.event_no = d.event_no AND t.at_us BETWEEN j.at_us AND j.until_us
GROUP BY
  j.run_id, j.workload, j.at_us, j.until_us, j.is_open, j.event_id, j.generation, j.observed_generation, j.ready, j.replicas
ORDER BY j.run_id, ts_us, subject_id, j.generation, evidence
