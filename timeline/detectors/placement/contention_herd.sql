-- Schedulers that try to commit the same thing again and again, in vain.
--
-- Without a master every survivor computes, one wins, and each of the others loses once for what the winner did. More losses
-- than that come from computing again out of what was read before: the store is busy with commits that cannot succeed.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-48
-- source: design note of Ozymandias (each scheduler can race to reallocate the missing instances)
-- needs: schedule_attempted
-- says: {losses} commits for {subject} were refused to {contenders} contenders, while {commits} were made
-- param rounds: 2 losses of each contender for each commit of anybody, from which it counts
-- column losses: commits that were refused because the schedule had moved on
-- column contenders: how many began to compute
-- column commits: schedules that were committed in that time
-- impact: the store serves refusals; leases are refreshed late, and more nodes expire
-- diagnosis: do the schedule.conflicted of one actor all say the same `base`; then it does not read again
-- mitigation: restart the schedulers that the evidence names; let losers read again, after a pause that is drawn
WITH
  said AS (
    SELECT e.run_id, e.kind, e.actor, e.trigger_id, e.attempt, e.fence, t.at_us, t.position, e.event_id
    FROM placement_event AS e
    JOIN event_time AS t USING (event_no)
    WHERE e.kind IN ('schedule.attempted', 'schedule.conflicted', 'schedule.committed')
  ),
  race AS (
    SELECT
      run_id, trigger_id,
      greatest(count(DISTINCT actor), count(*) FILTER (WHERE kind = 'schedule.attempted' AND attempt = 1)) AS contenders,
      min(at_us) AS ts_us, max(at_us) AS ended_us,
      count(*) FILTER (WHERE kind = 'schedule.conflicted' AND fence = 'schedule.version') AS losses,
      min_by(event_id, position) FILTER (WHERE kind = 'schedule.conflicted') AS first_event_id,
      max_by(event_id, position) FILTER (WHERE kind = 'schedule.conflicted') AS last_event_id
    FROM said
    GROUP BY run_id, trigger_id
  ),
  counted AS (
    SELECT
      r.run_id, r.trigger_id, r.contenders, r.ts_us, r.ended_us, r.losses, r.first_event_id, r.last_event_id,
      count(s.event_id) AS commits
    FROM race AS r
    LEFT JOIN said AS s ON s.run_id = r.run_id AND s.kind = 'schedule.committed' AND s.at_us >= r.ts_us AND s.at_us <= r.ended_us
    GROUP BY r.run_id, r.trigger_id, r.contenders, r.ts_us, r.ended_us, r.losses, r.first_event_id, r.last_event_id
  )
SELECT
  run_id, 'trigger' AS subject_kind, trigger_id AS subject_id,
  ts_us, ended_us - ts_us AS dur_us, false AS is_open, 'found' AS verdict, [first_event_id, last_event_id] AS evidence,
  losses, contenders, commits
FROM counted
WHERE losses > $rounds * contenders * greatest(commits, 1)
ORDER BY run_id, ts_us, subject_id, evidence
