-- How many members of each gang are in each state, from one change to the next.
--
-- All or nothing is the promise of a gang; a mix of states that lasts is where it is broken.
--
-- column run_id: the run
-- column gang: the gang
-- column ts_us: when the mix began
-- column dur_us: how long it lasted; until the log ends where it is open
-- column is_open: it lasts as the log ends
-- column pending: members that are pending
-- column blocked: members that are blocked
-- column reserved: members that are reserved
-- column running: members that run
-- column preempting: members that are to stop
-- column preempted: members that have stopped
-- column done: members that are done
-- column failed: members that have failed
-- column event_id: the last of the writes that made it
-- column end_event_id: the first of the writes that ended it
WITH
  move AS (
    SELECT
      run_id, gang, job, at_us, position, event_id, to_state,
      lag(to_state) OVER (PARTITION BY run_id, job ORDER BY position) AS state_before
    FROM job_write
    WHERE gang IS NOT NULL
  ),
  delta AS (
    SELECT run_id, gang, at_us, position, event_id, to_state AS state, 1 AS step FROM move WHERE state_before IS DISTINCT FROM to_state
    UNION ALL
    SELECT run_id, gang, at_us, position, event_id, state_before AS state, -1 AS step FROM move WHERE state_before <> to_state
  ),
  -- What one transaction writes has one commit time and is one change.
  change AS (
    SELECT
      run_id, gang, at_us, max_by(event_id, position) AS event_id, min_by(event_id, position) AS first_event_id,
      sum(CASE WHEN state = 'pending' THEN step ELSE 0 END) AS pending,
      sum(CASE WHEN state = 'blocked' THEN step ELSE 0 END) AS blocked,
      sum(CASE WHEN state = 'reserved' THEN step ELSE 0 END) AS reserved,
      sum(CASE WHEN state = 'running' THEN step ELSE 0 END) AS running,
      sum(CASE WHEN state = 'preempting' THEN step ELSE 0 END) AS preempting,
      sum(CASE WHEN state = 'preempted' THEN step ELSE 0 END) AS preempted,
      sum(CASE WHEN state = 'done' THEN step ELSE 0 END) AS done,
      sum(CASE WHEN state = 'failed' THEN step ELSE 0 END) AS failed
    FROM delta
    GROUP BY run_id, gang, at_us
  )
SELECT
  c.run_id, c.gang, c.at_us AS ts_us,
  coalesce(lead(c.at_us) OVER life, b.end_us) - c.at_us AS dur_us,
  lead(c.at_us) OVER life IS NULL AS is_open,
  CAST(sum(c.pending) OVER life AS BIGINT) AS pending,
  CAST(sum(c.blocked) OVER life AS BIGINT) AS blocked,
  CAST(sum(c.reserved) OVER life AS BIGINT) AS reserved,
  CAST(sum(c.running) OVER life AS BIGINT) AS running,
  CAST(sum(c.preempting) OVER life AS BIGINT) AS preempting,
  CAST(sum(c.preempted) OVER life AS BIGINT) AS preempted,
  CAST(sum(c.done) OVER life AS BIGINT) AS done,
  CAST(sum(c.failed) OVER life AS BIGINT) AS failed,
  c.event_id,
  lead(c.first_event_id) OVER life AS end_event_id
FROM change AS c
JOIN log_bounds AS b ON b.run_id = c.run_id
WINDOW life AS (PARTITION BY c.run_id, c.gang ORDER BY c.at_us, c.event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
