-- Which DNS record was there, from when to when.
--
-- An instance can be found while its record is there. A record whose beginning the log does not have is not here.
--
-- column run_id: the run
-- column record: the record
-- column instance: where it leads
-- column job: the name that is resolved
-- column node: node of the instance
-- column term: lease of the node that the record is bound to
-- column ts_us: when it was added
-- column dur_us: how long it was there; until the log ends where it is open
-- column is_open: nothing in the log removes it
-- column event_id: the event that added it
-- column end_event_id: the event that removed it
WITH
  stretch AS (
    SELECT
      e.run_id, subject_id AS record, kind, subject_id AS instance, job, node, term, at_us, event_id,
      lead(at_us) OVER life AS until_us,
      lead(event_id) OVER life AS end_event_id
    FROM placement_event AS e
    JOIN event_time USING (event_no)
    WHERE kind IN ('dns.added', 'dns.removed')
    WINDOW life AS (PARTITION BY e.run_id, subject_id ORDER BY at_us, revision, position)
  )
SELECT
  s.run_id, record, instance, job, node, term,
  at_us AS ts_us,
  coalesce(until_us, end_us) - at_us AS dur_us,
  until_us IS NULL AS is_open,
  event_id, end_event_id
FROM stretch AS s
JOIN log_bounds ON log_bounds.run_id = s.run_id
WHERE kind = 'dns.added'
