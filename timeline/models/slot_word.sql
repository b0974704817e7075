-- What is said of each slot of a job, word by word: its submission, where it was placed, how its instance fares.
--
-- A slot is asked for with the submission that its first schedule answers. Later instances of a slot are tries of the same slot.
--
-- column run_id: the run
-- column slot: the slot
-- column at_us: when it was said
-- column position: place of the event in the run
-- column phase: what the slot waits for from then on, `running`, or `end`
-- column detail: what the event says, in a few words
-- column event_id: the event
WITH
  said AS (
    SELECT
      e.run_id, o.id AS slot, e.kind, e.reason, e.workload AS job, e.incarnation, e.revision, from_state, to_state, node,
      at_us, position, e.event_id
    FROM placement_event AS e
    JOIN event_time ON event_time.event_no = e.event_no
    JOIN event_object AS o ON o.event_no = e.event_no AND o.kind = 'slot'
    WHERE to_state IS NOT NULL AND outcome = 'committed' OR e.kind IN ('instance.launch_failed', 'slot.unplaced', 'slot.removed')
  ),
  -- The commit that made a slot, and the submission that it answers: the last one of its job that the same scheduler had heard.
  made AS (
    SELECT s.run_id, slot, s.job, s.incarnation, min(s.position) AS position
    FROM said AS s
    JOIN schedule_committed AS c ON c.run_id = s.run_id AND c.revision = s.revision AND c.trigger IN ('create', 'scale_up')
    WHERE s.kind IN ('instance.allocated', 'slot.unplaced')
    GROUP BY s.run_id, slot, s.job, s.incarnation
  ),
  asked AS (
    SELECT e.run_id, made.slot, e.kind, e.fence, e.want, e.got, at_us, t.position, e.event_id
    FROM placement_event AS e
    JOIN event_time AS t ON t.event_no = e.event_no
    JOIN made ON made.run_id = e.run_id AND made.incarnation = e.incarnation AND t.position < made.position
      AND made.job = CASE e.kind WHEN 'submission.received' THEN e.subject_id ELSE e.trigger_id END
    WHERE e.kind IN ('submission.received', 'schedule.conflicted')
  ),
  heard AS (
    SELECT *, max(CASE kind WHEN 'submission.received' THEN position END) OVER (PARTITION BY run_id, slot) AS since FROM asked
  )
SELECT
  run_id, slot, at_us, position, CASE kind WHEN 'submission.received' THEN 'scheduling' ELSE 'lost_race' END AS phase,
  CASE kind WHEN 'schedule.conflicted' THEN fence || ': wanted ' || want || ', met ' || got END AS detail, event_id
FROM heard
WHERE position >= since
UNION ALL
SELECT
  run_id, slot, at_us, position,
  CASE WHEN nodes_fit > 0 AND kind = 'schedule.passed' THEN 'queue' WHEN free_mb < memory_mb THEN 'no_memory' ELSE 'no_node' END AS phase,
  CASE
    WHEN nodes_fit > 0 AND kind = 'schedule.passed' THEN 'nodes with room: ' || nodes_fit
    ELSE 'needs ' || memory_mb || ' MB and ' || disk_mb || ' MB of disk, most memory free on a node is ' || greatest(free_mb, 0) || ' MB'
  END AS detail,
  event_id
FROM unplaced_look
WHERE kind <> 'schedule.committed' OR free_mb < memory_mb
UNION ALL
SELECT
  run_id, slot, at_us, position,
  CASE
    WHEN kind = 'slot.removed' OR to_state = 'stopped' THEN 'end'
    WHEN kind = 'instance.launch_failed' THEN 'back_off'
    WHEN to_state = 'allocated' THEN 'dispatch'
    WHEN to_state = 'unhealthy' AND from_state = 'starting' THEN 'health_check'
    WHEN to_state = 'healthy' THEN 'running'
    WHEN to_state = 'lost' THEN 'lost_node'
    ELSE to_state
  END AS phase,
  CASE
    WHEN to_state = 'allocated' THEN 'on ' || node
    WHEN to_state = 'lost' THEN node || ' has no lease'
    WHEN kind IN ('instance.launch_failed', 'instance.turned_unhealthy') THEN reason
  END AS detail,
  event_id
FROM said
WHERE kind = 'slot.removed' OR kind = 'instance.launch_failed' OR to_state NOT IN ('terminating', 'gone')
