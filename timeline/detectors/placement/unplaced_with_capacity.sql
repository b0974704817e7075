-- Slot without a place although a node has room for it.
--
-- When there is no room for all, as many slots are placed as can be. The others have to be placed when there is room again:
-- a node came back, or a job was scaled down. Each pass of a scheduler says what it saw; several that saw room and did nothing
-- have forgotten the slot.
--
-- severity: warning
-- alert_for: 1m
-- catalogue: X-47
-- source: hashicorp/nomad issue 19805; design note of Ozymandias (as many are brought up as can be, and no word of the others)
-- needs: schedule_passed, placement_config
-- says: {subject} has had no place for {dur_us}, while {node} had room for it in {passes} passes
-- param passes_us: 1000000 time past three passes before it counts
-- column node: a node that had room
-- column passes: passes of that node that saw room, since its last one that saw too little
-- impact: a job runs with fewer instances than it was promised, until somebody looks
-- diagnosis: `timeline show slot/ID`; does a schedule.attempted with trigger top_up follow the node's return
-- mitigation: scale the job down and up again
WITH
  resolved AS (
    SELECT p.run_id, coalesce(p.slot, p.subject_id) AS slot, t.at_us
    FROM placement_event AS p
    JOIN event_time AS t USING (event_no)
    WHERE p.kind IN ('instance.allocated', 'slot.removed')
  ),
  unplaced AS (
    SELECT
      u.run_id, u.subject_id AS slot, u.memory_mb, u.disk_mb, t.at_us, u.event_id, c.version, min(n.at_us) AS placed_us
    FROM slot_unplaced AS u
    JOIN event_time AS t USING (event_no)
    JOIN schedule_committed AS c ON c.run_id = u.run_id AND c.revision = u.revision
    LEFT JOIN resolved AS n ON n.run_id = u.run_id AND n.slot = u.subject_id AND n.at_us > t.at_us
    GROUP BY u.run_id, u.subject_id, u.memory_mb, u.disk_mb, t.at_us, u.event_id, c.version
  ),
  seen AS (
    SELECT
      u.run_id, u.slot, u.at_us AS since_us, u.event_id, u.placed_us, p.subject_id AS node, t.at_us, p.event_id AS pass_event_id,
      p.free_memory_mb >= u.memory_mb AND p.free_disk_mb >= u.disk_mb AS has_room
    FROM unplaced AS u
    JOIN schedule_passed AS p ON p.run_id = u.run_id AND p.version >= u.version
    JOIN event_time AS t ON t.event_no = p.event_no AND t.at_us > u.at_us AND (u.placed_us IS NULL OR t.at_us < u.placed_us)
  ),
  last_full AS (
    SELECT *, max(CASE WHEN NOT has_room THEN at_us END) OVER (PARTITION BY run_id, event_id, node) AS full_us FROM seen
  ),
  roomy AS (
    SELECT
      run_id, slot, event_id, node, min(since_us) AS since_us, min(placed_us) AS placed_us, count(*) AS passes,
      max(at_us) - min(at_us) AS roomy_us,
      min_by(pass_event_id, (at_us, pass_event_id)) AS first_event_id, max_by(pass_event_id, (at_us, pass_event_id)) AS last_event_id
    FROM last_full
    WHERE full_us IS NULL OR at_us > full_us
    GROUP BY run_id, slot, event_id, node
  )
SELECT
  r.run_id, 'slot' AS subject_kind, slot AS subject_id,
  since_us AS ts_us, coalesce(placed_us, end_us) - since_us AS dur_us, placed_us IS NULL AS is_open,
  CASE WHEN roomy_us > 3 * c.tick_us + $passes_us THEN 'found' ELSE 'pending' END AS verdict,
  [event_id, first_event_id, last_event_id] AS evidence,
  node, passes
FROM roomy AS r
JOIN placement_config AS c ON c.run_id = r.run_id
JOIN log_bounds AS b ON b.run_id = r.run_id
WHERE roomy_us > 3 * c.tick_us + $passes_us OR placed_us IS NULL
QUALIFY row_number() OVER (PARTITION BY r.run_id, slot, event_id ORDER BY roomy_us DESC, node, first_event_id) = 1
ORDER BY r.run_id, ts_us, subject_id, event_id
