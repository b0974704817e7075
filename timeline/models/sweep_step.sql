-- Every step of every pass: what it could list and what it did.
--
-- A step that could not list anything has no counts.
--
-- column run_id: the run
-- column control_plane: the control plane whose loop it is
-- column actor: the actor that swept
-- column sweep: name of the loop
-- column step: name of the step
-- column at_us: when it ended
-- column list_ok: whether what it had to look at could be listed
-- column stamped: whether the gauge of the last successful run was moved
-- column listed: rows that it looked at
-- column acted: rows that it changed
-- column skipped: rows that it left alone on purpose
-- column missed: rows that had changed under it
-- column failed: rows whose change failed
-- column event_id: the event
SELECT
  control_loop_event.run_id, subject_id AS control_plane, actor, sweep, step, at_us, list_ok, stamped,
  listed, acted, skipped, missed, failed, event_id
FROM control_loop_event
JOIN event_time USING (event_no)
WHERE kind IN ('sweep.completed', 'sweep.list_failed')
