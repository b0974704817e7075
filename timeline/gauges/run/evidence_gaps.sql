-- Holes in the streams of the actors so far: events that were said and are not here.
--
-- A verdict that leans on an actor's silence is worth nothing where its events are lost.
--
-- column at_us: the moment
-- column value: how many holes
WITH
  gap AS (SELECT coalesce(g.after_us, g.before_us) AS seen_us FROM evidence_gap AS g JOIN shown_run USING (run_id))
SELECT m.at_us, count(gap.seen_us) AS value
FROM moment AS m
LEFT JOIN gap ON gap.seen_us <= m.at_us
GROUP BY m.at_us
