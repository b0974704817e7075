-- Gang that is drained more often than its members' attempts allow.
--
-- A member that fails pays for it with an attempt; those that are drained with it get theirs back. Where the one to blame
-- gets it back as well, it fails, drains its gang and is tried again without end.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-27
-- source: Workron (the refund was first given to the trigger too; caught before the release)
-- needs: gang_config
-- says: {subject} was drained {rounds} times, {trigger_rounds} of them by {trigger_job}, which had used {attempts} of its
--   {max_retries} attempts after that
-- column trigger_job: the member that began most of the rounds
-- column trigger_rounds: rounds that it began
-- column rounds: rounds of the gang by failures and silence
-- column attempts: its attempts after the last of its rounds
-- column max_retries: attempts that a job has
-- impact: the gang runs for ever and is never done; each round costs what its members had not saved
-- diagnosis: `timeline show job/ID` of the trigger: its attempts from claim to claim
-- mitigation: fail the gang by hand
WITH
  round AS (
    SELECT
      r.run_id, r.gang, r.epoch, r.trigger_job, r.ts_us, r.event_id,
      row_number() OVER (PARTITION BY r.run_id, r.gang ORDER BY r.epoch, r.ts_us, r.event_id) AS round_no,
      row_number() OVER (PARTITION BY r.run_id, r.gang, r.trigger_job ORDER BY r.epoch, r.ts_us, r.event_id) AS trigger_round_no
    FROM gang_round AS r
    WHERE r.reason <> 'reservation_timeout'
  ),
  -- What the trigger's row said once the round had begun.
  charged AS (
    SELECT r.run_id, r.event_id, min(w.attempts) AS attempts
    FROM round AS r
    JOIN job_write AS w ON w.run_id = r.run_id AND w.job = r.trigger_job AND w.epoch = r.epoch
      AND w.kind IN ('job.drain_started', 'job.preempted')
    GROUP BY r.run_id, r.event_id
  ),
  size AS (
    SELECT s.run_id, s.subject_id AS gang, s.size FROM gang_submitted AS s JOIN event_time USING (event_no)
  ),
  judged AS (
    SELECT
      r.*, c.attempts, z.size, g.max_retries,
      r.trigger_round_no > g.max_retries OR c.attempts < r.trigger_round_no - 1
        OR coalesce(r.round_no > z.size * (g.max_retries - 1) + 1, false) AS is_loop
    FROM round AS r
    JOIN gang_config AS g ON g.run_id = r.run_id
    LEFT JOIN charged AS c ON c.run_id = r.run_id AND c.event_id = r.event_id
    LEFT JOIN size AS z ON z.run_id = r.run_id AND z.gang = r.gang
  ),
  first_loop AS (
    SELECT run_id, gang, min(round_no) AS round_no FROM judged WHERE is_loop GROUP BY run_id, gang
  )
SELECT
  j.run_id, 'gang' AS subject_kind, j.gang AS subject_id, min(a.ts_us) AS ts_us, max(a.ts_us) - min(a.ts_us) AS dur_us,
  false AS is_open, 'found' AS verdict, [min_by(a.event_id, (a.round_no, a.event_id)), j.event_id] AS evidence,
  j.trigger_job, max(a.trigger_round_no) FILTER (WHERE a.trigger_job = j.trigger_job) AS trigger_rounds,
  max(a.round_no) AS rounds,
  max_by(a.attempts, (a.round_no, a.event_id)) FILTER (WHERE a.trigger_job = j.trigger_job) AS attempts,
  j.max_retries
FROM first_loop AS f
JOIN judged AS j ON j.run_id = f.run_id AND j.gang = f.gang AND j.round_no = f.round_no
JOIN judged AS a ON a.run_id = j.run_id AND a.gang = j.gang
GROUP BY j.run_id, j.gang, j.event_id, j.trigger_job, j.max_retries
ORDER BY j.run_id, ts_us, subject_id, evidence
