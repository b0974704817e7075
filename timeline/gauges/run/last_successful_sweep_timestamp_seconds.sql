-- When an actor's step of a control loop could last list what it has to look at.
--
-- A step that cannot list does not move it: `time()` less this grows until the loop works again.
--
-- column at_us: the moment
-- column actor: who swept
-- column sweep: the control loop
-- column step: its step
-- column value: end of the last step that could list
WITH
  success AS (
    SELECT
      s.actor, s.sweep, s.step, s.at_us,
      lead(s.at_us, 1, 9223372036854775807) OVER (PARTITION BY s.actor, s.sweep, s.step ORDER BY s.at_us, s.event_id) AS next_us
    FROM sweep_step AS s
    JOIN shown_run USING (run_id)
    WHERE s.list_ok
  )
SELECT m.at_us, s.actor, s.sweep, s.step, max(s.at_us) / 1000000.0 AS value
FROM success AS s
JOIN moment AS m ON s.at_us <= m.at_us AND m.at_us < s.next_us
GROUP BY m.at_us, s.actor, s.sweep, s.step
