-- Member that was drained by force although its worker was not dead.
--
-- A drain by force is for workers that are gone, and then it is right. Here the member had stopped, and its word was refused,
-- or the round asked it for a word that nobody was left to give. The model gang_forced_drain has the cause of every one.
--
-- severity: warning
-- alert_for: 0m
-- catalogue: X-24
-- source: Workron, read in the code (the trigger that reported its own failure is told to preempt); and its drain of 45 s
-- needs: gang_config
-- says: {subject} was drained by force after {dur_us} in round {epoch} of {gang}: {cause}
-- column gang: its gang
-- column epoch: number of the round
-- column worker: worker that had claimed it
-- column cause: rejected_acks, trigger_already_exited, exited_before_signal
-- impact: the gang waits for the whole time limit of a drain before it can start again
-- diagnosis: `timeline show job/ID` from the beginning of the round: when its process ended, who said so, and what the answer was
-- mitigation: none in the log; a shorter time limit of drains makes it cheaper
SELECT
  run_id, 'job' AS subject_kind, job AS subject_id, ts_us, dur_us, false AS is_open, 'found' AS verdict,
  [event_id, cause_event_id, round_event_id] AS evidence,
  gang, epoch, worker, cause
FROM gang_forced_drain
WHERE cause IN ('rejected_acks', 'trigger_already_exited', 'exited_before_signal')
ORDER BY run_id, ts_us, subject_id, epoch, evidence
