-- Drain round in which every word of the members was refused for its epoch.
--
-- Each member says that it has stopped and names the round. One late word from an older round is harmless; where all are
-- refused, the two sides do not read the epoch alike, and each round ends by force after its time limit.
--
-- severity: critical
-- alert_for: 0m
-- catalogue: X-23
-- source: Workron (a field without its JSON name: the worker read epoch 0, and each drain took 45 s)
-- needs: gang_config
-- says: {subject} refused all {rejected} words of its members in round {epoch}; the highest epoch that one of them gave is {got_epoch}
-- column epoch: number of the round
-- column rejected: words that were refused
-- column got_epoch: the highest epoch that a member gave
-- impact: every drain takes as long as a dead worker takes, and a fault that is always there looks like bad luck
-- diagnosis: compare job.preempt_delivered with job.preempt_received: the epoch that was sent and the one that was read
-- mitigation: go back to a build of the worker that reads the epoch
WITH
  refused AS (
    SELECT
      e.run_id, e.workload AS gang, e.want_epoch, count(*) AS rejected, max(e.got_epoch) AS got_epoch,
      min_by(e.event_id, t.position) AS event_id
    FROM job_ack_rejected AS e
    JOIN event_time AS t ON t.event_no = e.event_no
    WHERE e.fence = 'epoch'
    GROUP BY e.run_id, e.workload, e.want_epoch
  ),
  -- The trigger's own report is a word of that kind that needs no epoch.
  accepted AS (
    SELECT DISTINCT run_id, gang, epoch FROM job_write WHERE kind = 'job.preempted' AND reason <> 'trigger_exited'
  )
SELECT
  r.run_id, 'gang' AS subject_kind, r.gang AS subject_id, r.ts_us, r.dur_us, r.is_open,
  CASE WHEN r.is_open THEN 'pending' ELSE 'found' END AS verdict,
  [r.event_id, f.event_id, r.end_event_id] AS evidence,
  r.epoch, f.rejected, f.got_epoch
FROM gang_round AS r
JOIN refused AS f ON f.run_id = r.run_id AND f.gang = r.gang AND f.want_epoch = r.epoch
WHERE NOT EXISTS (SELECT 1 FROM accepted AS a WHERE a.run_id = r.run_id AND a.gang = r.gang AND a.epoch = r.epoch)
ORDER BY r.run_id, r.ts_us, subject_id, r.epoch, evidence
