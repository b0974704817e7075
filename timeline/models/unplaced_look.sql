-- Looks at a slot that has no place: what it needs, and what there was.
--
-- The schedule that left it out looks, and so does each that is committed before it gets a place, and each pass of a node that has, or
-- had, room for it. A pass that saw an older schedule says nothing. How much memory was free comes from the schedule and the leases;
-- of free disk only a pass speaks.
--
-- column run_id: the run
-- column slot: the slot
-- column at_us: when it was looked at
-- column position: place of the event in the run
-- column kind: slot.unplaced, schedule.committed, or schedule.passed
-- column memory_mb: memory that it needs
-- column disk_mb: local disk that it needs
-- column node: the node that passed; null where a schedule looked
-- column nodes_fit: nodes that said last that they have room
-- column free_mb: most memory that a node with a lease had free then
-- column event_id: the event
WITH
  event_at AS (SELECT * FROM placement_event JOIN event_time USING (event_no, run_id)),
  move AS (
    SELECT
      e.run_id, o.id AS slot, e.kind, e.memory_mb, e.disk_mb, position,
      lead(position) OVER (PARTITION BY e.run_id, o.id ORDER BY position) AS until_position
    FROM event_at AS e
    JOIN event_object AS o ON o.event_no = e.event_no AND o.kind = 'slot'
    WHERE e.kind IN ('slot.unplaced', 'slot.removed', 'instance.allocated')
  ),
  look AS (
    SELECT
      run_id, kind, CASE kind WHEN 'schedule.passed' THEN subject_id END AS node, free_memory_mb, free_disk_mb, at_us, position, event_id,
      version, max(CASE kind WHEN 'schedule.committed' THEN version END) OVER so_far AS current
    FROM event_at
    WHERE kind IN ('slot.unplaced', 'schedule.committed', 'schedule.passed')
    WINDOW so_far AS (PARTITION BY run_id ORDER BY position ROWS UNBOUNDED PRECEDING)
  ),
  seen AS (
    SELECT
      m.run_id, slot, m.position AS since, at_us, l.position, l.kind, memory_mb, disk_mb, node, event_id,
      CASE WHEN free_memory_mb >= memory_mb AND free_disk_mb >= disk_mb THEN 1 ELSE 0 END AS fits
    FROM move AS m
    JOIN look AS l ON l.run_id = m.run_id AND l.position >= m.position AND coalesce(l.position < until_position, true)
    WHERE m.kind = 'slot.unplaced' AND (l.position = m.position OR l.kind <> 'slot.unplaced')
      AND (l.kind <> 'schedule.passed' OR coalesce(version >= current, true))
  ),
  changed AS (
    SELECT *, fits - coalesce(lag(fits) OVER (PARTITION BY run_id, slot, since, node ORDER BY position), 0) AS edge FROM seen
  ),
  counted AS (
    SELECT *, sum(edge) OVER (PARTITION BY run_id, slot, since ORDER BY position ROWS UNBOUNDED PRECEDING) AS nodes_fit FROM changed
  )
SELECT
  c.run_id, slot, at_us, position, c.kind, memory_mb, disk_mb, c.node, nodes_fit, max(room_mb - used_mb) AS free_mb, c.event_id
FROM counted AS c
LEFT JOIN node_room AS n ON n.run_id = c.run_id AND n.ts_us <= at_us AND at_us < n.ts_us + n.dur_us
WHERE c.node IS NULL OR fits = 1 OR edge <> 0
GROUP BY c.run_id, slot, at_us, position, c.kind, memory_mb, disk_mb, c.node, nodes_fit, c.event_id
