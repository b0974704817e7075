-- Every placement of a whole gang: reserved, then claimed member by member, or rolled back.
--
-- It ends when no member of the gang is reserved any more.
--
-- column run_id: the run
-- column gang: the gang
-- column reservation: number of the reservation
-- column size: members of the gang
-- column claimed: members that a worker claimed by it
-- column ended_by: claimed, where every member was; rolled_back, drained, or open
-- column ts_us: when it was written
-- column dur_us: how long a member was reserved by it; until the log ends where it is open
-- column is_open: a member is reserved as the log ends
-- column event_id: the event that began it
-- column end_event_id: the last write that took a member out of it
WITH
  placed AS (
    SELECT r.run_id, r.gang, r.reservation, s.job, s.ts_us + s.dur_us AS until_us, s.is_open, s.next_state, s.next_reason, s.end_event_id
    FROM job_reserved AS r
    JOIN job_state_interval AS s ON s.run_id = r.run_id AND s.job = r.subject_id AND s.event_id = r.event_id
  ),
  ended AS (
    SELECT
      run_id, gang, reservation, max(until_us) AS until_us, max(CASE WHEN is_open THEN 1 ELSE 0 END) = 1 AS is_open,
      count(*) FILTER (WHERE next_state = 'running') AS claimed,
      max(CASE WHEN next_reason = 'drain' THEN 1 ELSE 0 END) = 1 AS is_drained,
      max_by(end_event_id, (until_us, end_event_id)) AS end_event_id
    FROM placed
    GROUP BY run_id, gang, reservation
  )
SELECT
  r.run_id, r.subject_id AS gang, r.reservation, r.size, e.claimed,
  CASE
    WHEN e.is_open THEN 'open'
    WHEN e.claimed = r.size THEN 'claimed'
    WHEN e.is_drained THEN 'drained'
    ELSE 'rolled_back'
  END AS ended_by,
  t.at_us AS ts_us, e.until_us - t.at_us AS dur_us, e.is_open,
  r.event_id, e.end_event_id
FROM gang_reserved AS r
JOIN event_time AS t USING (event_no)
JOIN ended AS e ON e.run_id = r.run_id AND e.gang = r.subject_id AND e.reservation = r.reservation
