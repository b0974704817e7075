-- Decision on old data that fresh data would have changed.
--
-- Every cache lags a little; a decision has to live with that lag. What counts is a decision that rests on what had been
-- overtaken for longer than a watch may take, or on the status of another generation than the one that it names, and that
-- would have gone the other way.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-20
-- source: lesson 020 (stale quota, status of an old generation); kubernetes-sigs/karpenter issue 3185; kubernetes issue 55587
-- needs: quota_config.watch_lag_us
-- says: {decision} of {subject} used {object} {used_version} ({used_value}), {age_us} after {true_version} ({true_value}); needed {needed}
-- column decision: kind of the decision
-- column object: what had been read
-- column source: where it had been read: cache or store
-- column used_version: version, or generation, that was used
-- column true_version: the newest by then
-- column used_value: what it was taken to be
-- column true_value: what it was
-- column needed: the least that was asked for
-- column age_us: how long something newer had been there
-- column allowed_us: how old it may have been
-- column decisions: decisions of this kind about the same subject that rest on such data
-- impact: a shortage that is over counts as one, or what still serves is ended; what follows is built on it
-- diagnosis: `timeline show KIND/ID`: what did the decision read, when did the cache learn of the change, which watch was late
-- mitigation: read the store before a verdict that others act upon, and compare generations before a status is believed
SELECT
  run_id, subject_kind, subject_id,
  at_us AS ts_us, 0 AS dur_us, false AS is_open, 'found' AS verdict, [newer_event_id, event_id] AS evidence,
  kind AS decision, concat(object_kind, ' ', object_id) AS object, source, used_version, true_version, used_value, true_value, needed,
  age_us, allowed_us, count(*) OVER (PARTITION BY run_id, kind, subject_kind, subject_id, object_id) AS decisions
FROM observation_lag
WHERE would_change AND age_us >= allowed_us AND kind IN ('replica.unschedulable', 'workload.promoted')
QUALIFY row_number() OVER (PARTITION BY run_id, kind, subject_kind, subject_id, object_id ORDER BY at_us, event_id) = 1
ORDER BY run_id, ts_us, subject_id, decision, evidence
