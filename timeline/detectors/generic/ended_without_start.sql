-- Something ended that was not going on.
--
-- A thing ended twice with no start in between, or was given back by one who had given it back before and had not got it since. What
-- has no start at all counts where its source says that the log is whole.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-46
-- source: the lock server and the pair logs of the P examples; slots that are freed twice let one too many in
-- needs: role_end
-- says: {subject} was ended and was not going on: {before}
-- column activity: what its kinds are declared for
-- column holder: who ended it; null where nobody is named
-- column before: what the log says of it before
-- impact: a counter goes below the truth, or what another holds is taken from it
-- diagnosis: `timeline show KIND/ID`; who ended it first, and was the second a retry of an answer that was lost
-- mitigation: make the end refuse what is not going on; correct the counter
SELECT
  e.run_id, e.thing_kind AS subject_kind, e.thing AS subject_id,
  e.at_us AS ts_us, 0 AS dur_us, false AS is_open,
  -- The start may have been lost on its way here.
  CASE WHEN EXISTS (
    SELECT 1 FROM evidence_gap AS g
    WHERE g.run_id = e.run_id AND g.after_us >= coalesce(e.before_us, g.after_us) AND coalesce(g.before_us, e.at_us) <= e.at_us
  ) THEN 'unknown' ELSE 'found' END AS verdict,
  [e.event_id_before, e.event_id] AS evidence,
  e.activity, e.holder,
  CASE e.role_before
    WHEN 'ended' THEN 'it had ended before and was not started since'
    WHEN 'released' THEN coalesce(e.holder, 'its holder') || ' had given it back before and has not got it since'
    WHEN 'release_refused' THEN coalesce(e.holder, 'its holder') || ' had been told that it does not hold it and has not got it since'
    ELSE 'it was never started'
  END AS before
FROM role_end AS e
WHERE e.is_sure
  AND ((e.role = 'ended' AND e.role_before = 'ended')
    OR (e.role = 'released' AND e.role_before IN ('released', 'release_refused'))
    OR (e.role_before IS NULL AND e.is_whole))
ORDER BY e.run_id, ts_us, subject_kind, subject_id, e.event_id
