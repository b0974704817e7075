-- Tenant with more active workers than its cap.
--
-- The cap is checked and the slot is taken in one step, or two requests at once both see room for one. A cap that was
-- lowered while the workers were there is no bypass: a slot must have been made past the cap in force at that time.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-13
-- source: duckgres pull 242 (220 workers against a cap of 4); hatchet-dev/hatchet issue 4778
-- needs: org_slots
-- says: {subject} had {active_max} active workers against a cap of {cap}, for {dur_us}
-- column cap: the cap in force when the slot was made
-- column active_max: most active workers at once
-- impact: one tenant takes what belongs to others, and the bill grows past what it agreed to
-- diagnosis: `timeline show org/ID`: which slots were made at the same time, and what each had counted
-- mitigation: retire the excess; the next release of a worker is not enough
WITH
  counted AS (
    SELECT s.*, t.position, c.cap AS slot_cap, c.event_id IS NOT NULL AND s.active > c.cap AS is_bypass
    FROM org_slots AS s
    JOIN event AS e ON e.run_id = s.run_id AND e.event_id = s.event_id
    JOIN event_time AS t ON t.event_no = e.event_no
    LEFT JOIN worker_slot_created AS c ON c.event_no = e.event_no
  ),
  island AS (
    SELECT
      *,
      sum(CASE WHEN active <= cap THEN 1 ELSE 0 END)
        OVER (PARTITION BY run_id, org ORDER BY ts_us, position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island_no
    FROM counted
  ),
  excess AS (
    SELECT
      i.run_id, i.org, i.island_no, min(i.ts_us) AS ts_us, min_by(i.event_id, i.position) AS event_id, min_by(i.slot_cap, i.position) AS cap
    FROM island AS i
    WHERE i.is_bypass
    GROUP BY i.run_id, i.org, i.island_no
  )
SELECT
  x.run_id, 'org' AS subject_kind, x.org AS subject_id, x.ts_us,
  max(i.ts_us + i.dur_us) - x.ts_us AS dur_us, max(i.ts_us + i.dur_us) = min(b.end_us) AS is_open,
  'found' AS verdict, [x.event_id] AS evidence,
  x.cap, max(i.active) AS active_max
FROM excess AS x
JOIN island AS i ON i.run_id = x.run_id AND i.org = x.org AND i.island_no = x.island_no AND i.active > i.cap
JOIN log_bounds AS b ON b.run_id = x.run_id
GROUP BY x.run_id, x.org, x.island_no, x.ts_us, x.event_id, x.cap
ORDER BY x.run_id, x.ts_us, subject_id, evidence
