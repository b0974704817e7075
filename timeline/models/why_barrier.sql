-- Why a test waits at its barrier: where its time goes, from its opening to its close.
--
-- A step holds from its event on until the next one; a step without a reason ends the life. Reasons: `member_not_started` and
-- `member_not_ready`, each with the member that came last, or never; `not_released` when all are ready and the leader has told nobody
-- to go on; `releasing` until the last member runs; `running` until the last is done; `not_closed` until the leader closes it. A barrier
-- whose opening the log does not have is not here: nobody knows whom it waited for.
--
-- column run_id: the run
-- column workload_kind: barrier
-- column workload_id: the barrier
-- column reason: where its time goes from here on; null where its life ends
-- column at_us: from when on
-- column position: order among its steps of the same moment
-- column event_id: the event that says so
-- column waits_for: the member, or the leader, whose turn it is
-- column detail: whether that member was the last, or how many never came
WITH
  -- Of each phase of the members: how many came to its end, who was last, and who never was.
  slowest AS (
    SELECT
      run_id, barrier, count(*) AS members,
      count(start_position) AS started, count(ready_position) AS readied, count(running_position) AS ran,
      max(started_us) AS started_us, max_by(start_event_id, start_position) AS start_event_id,
      coalesce(min(CASE WHEN start_position IS NULL THEN member END), max_by(member, start_position)) AS starter,
      coalesce(min(CASE WHEN ready_position IS NULL THEN member END), max_by(member, ready_position)) AS readier,
      coalesce(min(CASE WHEN running_position IS NULL THEN member END), max_by(member, running_position)) AS runner
    FROM barrier_member
    WHERE is_expected
    GROUP BY run_id, barrier
  ),
  tried AS (
    SELECT run_id, subject_id AS barrier, min_by(event_id, position) AS event_id
    FROM barrier_release_attempted JOIN event_time USING (event_no, run_id) GROUP BY run_id, subject_id
  ),
  round AS (
    SELECT r.*, s.members, started, readied, ran, started_us, start_event_id, starter, readier, runner, t.event_id AS try_event_id
    FROM barrier_round AS r JOIN slowest AS s USING (run_id, barrier) LEFT JOIN tried AS t USING (run_id, barrier)
  ),
  phase AS (
    SELECT run_id, barrier, 1 AS place, 'member_not_started' AS phase, ts_us AS at_us, event_id, starter AS member,
      members - started AS never FROM round
    UNION ALL
    SELECT run_id, barrier, 2, 'member_not_ready', started_us, start_event_id, readier, members - readied FROM round WHERE started = members
    UNION ALL
    SELECT run_id, barrier, 3, 'not_released', all_ready_us, last_ready_event_id, NULL, 0 FROM round WHERE all_ready_us IS NOT NULL
    UNION ALL
    SELECT run_id, barrier, 4, 'releasing', first_attempt_us, try_event_id, runner, members - ran FROM round WHERE try_event_id IS NOT NULL
    UNION ALL
    SELECT run_id, barrier, 5, 'running', last_running_us, last_running_event_id, NULL, 0 FROM round WHERE ran = members
    UNION ALL
    SELECT run_id, barrier, 6, 'not_closed', all_done_us, last_done_event_id, NULL, 0 FROM round WHERE all_done_us IS NOT NULL
    UNION ALL
    SELECT run_id, barrier, 7, 'end', ts_us + dur_us, end_event_id, NULL, 0 FROM round WHERE NOT is_open
  ),
  -- A phase cannot begin before the one that it follows: clocks of members are known to some milliseconds only.
  fact AS (
    SELECT
      run_id, barrier, place, phase, event_id, member, never, NULL AS leader,
      CASE phase WHEN 'end' THEN at_us ELSE max(CASE WHEN phase <> 'end' THEN at_us END) OVER so_far END AS at_us
    FROM phase
    WINDOW so_far AS (PARTITION BY run_id, barrier ORDER BY place, event_id ROWS UNBOUNDED PRECEDING)
    UNION ALL
    SELECT run_id, barrier, 0, NULL, leader_elected.event_id, NULL, NULL, unit, at_us
    FROM leader_elected JOIN event_time USING (event_no, run_id) JOIN (SELECT run_id, barrier FROM barrier_round) AS r USING (run_id)
  ),
  carried AS (
    SELECT
      run_id, barrier, at_us, place, event_id,
      last_value(phase IGNORE NULLS) OVER so_far AS phase, last_value(leader IGNORE NULLS) OVER so_far AS leader,
      last_value(CASE WHEN phase IS NOT NULL THEN coalesce(member, '') END IGNORE NULLS) OVER so_far AS member,
      last_value(never IGNORE NULLS) OVER so_far AS never
    FROM fact
    WINDOW so_far AS (PARTITION BY run_id, barrier ORDER BY at_us, place, event_id ROWS UNBOUNDED PRECEDING)
  )
SELECT
  run_id, 'barrier' AS workload_kind, barrier AS workload_id, nullif(phase, 'end') AS reason, at_us, place AS position, event_id,
  CASE WHEN phase <> 'running' THEN 'unit/' || coalesce(nullif(member, ''), leader) END AS waits_for,
  CASE WHEN never > 0 THEN 'members that never came: ' || never WHEN member <> '' THEN 'the last to come' END AS detail
FROM carried
WHERE phase IS NOT NULL
