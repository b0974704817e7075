-- Control planes that have not stopped, by state.
--
-- `alive`, `draining`, or `silent`: no sign of life for longer than the expiry, and nobody has marked it as gone yet.
--
-- column at_us: the moment
-- column state: alive, draining, silent
-- column value: how many
WITH
  known AS (SELECT 'alive' AS state UNION ALL SELECT 'draining' AS state UNION ALL SELECT 'silent' AS state),
  sign AS (
    SELECT run_id, control_plane, s.ts_us AS sign_us, s.ts_us + s.dur_us + CAST(s.is_open AS BIGINT) AS until_us
    FROM life_sign AS s
    JOIN shown_run USING (run_id)
  ),
  standing AS (
    SELECT
      m.at_us, s.control_plane,
      CASE
        WHEN l.stopped_us <= m.at_us OR l.expired_us <= m.at_us THEN 'gone'
        WHEN s.sign_us + c.control_plane_expiry_us < m.at_us THEN 'silent'
        WHEN l.drain_started_us <= m.at_us THEN 'draining'
        ELSE 'alive'
      END AS state
    FROM sign AS s
    JOIN moment AS m ON s.sign_us <= m.at_us AND m.at_us < s.until_us
    LEFT JOIN control_plane_life AS l ON l.run_id = s.run_id AND l.control_plane = s.control_plane
    LEFT JOIN run_config AS c ON c.run_id = s.run_id
  )
SELECT m.at_us, known.state, count(DISTINCT s.control_plane) AS value
FROM moment AS m
CROSS JOIN known
LEFT JOIN standing AS s ON s.at_us = m.at_us AND s.state = known.state
GROUP BY m.at_us, known.state
