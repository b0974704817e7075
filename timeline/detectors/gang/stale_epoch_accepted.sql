-- Word of a worker that was taken although the job had moved on.
--
-- A report is for one claim and a claim is by one reservation. What comes late, from a worker that had the job before, must be
-- refused. Where it is not, a zombie ends, or keeps alive, what another worker is doing.
--
-- severity: invariant
-- alert_for: 0m
-- catalogue: X-49
-- source: Workron, read in the code (reports look at the state only, and the number of a reservation is never compared)
-- needs: job_write
-- says: {subject} took {kind} of {worker} for {what} {got}, when it was at {want}
-- column kind: kind of the write
-- column worker: the worker whose word was taken
-- column what: what was out of date: claim, worker, reservation
-- column want: what the row was at
-- column got: what the worker gave
-- impact: a job counts as done that is being run, or two workers run one member
-- diagnosis: `timeline show job/ID`: who had the claim before, and whether that worker had been cut off
-- mitigation: stop the older worker's process; run the job again if its result matters
WITH
  accepted AS (
    SELECT
      e.run_id, e.subject_id AS job, e.kind, e.reported_by, e.reported_claim, e.claim, e.worker, e.reservation, e.offered_reservation,
      t.at_us, t.position, e.event_id
    FROM gang_event AS e
    JOIN event_time AS t ON t.event_no = e.event_no
    WHERE e.outcome = 'committed' AND e.subject_kind = 'job' AND (e.reported_claim IS NOT NULL OR e.offered_reservation IS NOT NULL)
  ),
  stale AS (
    SELECT
      run_id, job, kind, at_us, position, event_id, coalesce(reported_by, worker) AS worker,
      CASE WHEN offered_reservation < reservation THEN 'reservation' WHEN reported_claim < claim THEN 'claim' ELSE 'worker' END AS what,
      CASE WHEN offered_reservation < reservation THEN CAST(reservation AS VARCHAR)
        WHEN reported_claim < claim THEN CAST(claim AS VARCHAR) ELSE worker END AS want,
      CASE WHEN offered_reservation < reservation THEN CAST(offered_reservation AS VARCHAR)
        WHEN reported_claim < claim THEN CAST(reported_claim AS VARCHAR) ELSE reported_by END AS got
    FROM accepted
    WHERE offered_reservation < reservation OR reported_claim < claim OR reported_by <> worker
  )
SELECT
  run_id, 'job' AS subject_kind, job AS subject_id, at_us AS ts_us, 0 AS dur_us, false AS is_open, 'found' AS verdict,
  [event_id] AS evidence,
  kind, worker, what, want, got
FROM stale
QUALIFY row_number() OVER (PARTITION BY run_id, job, kind, worker, want ORDER BY position) = 1
ORDER BY run_id, ts_us, subject_id, kind, worker, evidence
