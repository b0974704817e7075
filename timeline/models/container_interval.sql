-- What a node's runtime had, from when to when, as far as the runtime's own words prove it.
--
-- A container is there from its making to its removal, and runs from its launch until it stops or exits. A runtime that comes
-- up anew has nothing; one that falls silent proves nothing after its last word, so its containers end there, open.
--
-- column run_id: the run
-- column container: the container
-- column instance: the instance that it is for
-- column slot: the slot of that instance
-- column node: the node
-- column actor: the runtime's actor
-- column ts_us: when it was made, or first seen
-- column dur_us: how long it is known to have been there
-- column is_open: nothing in the log ends it
-- column launched_us: when it began to run; null where it never did
-- column stopped_us: until when it is known to have run
-- column event_id: the first word about it
-- column launch_event_id: the word that it runs
-- column stop_event_id: the word that it runs no more; null where none is in the log
-- column end_event_id: the word that it is gone
WITH
  said AS (
    SELECT e.run_id, subject_id AS container, kind, instance, slot, node, actor, incarnation, at_us, event_id, position
    FROM placement_event AS e
    JOIN event_time USING (event_no)
    WHERE subject_kind = 'container' AND kind LIKE 'container.%'
  ),
  runtime_word AS (
    SELECT e.run_id, incarnation, max(at_us) AS last_us
    FROM placement_event AS e
    JOIN event_time USING (event_no)
    WHERE subject_kind = 'container' OR subject_kind = 'runtime'
    GROUP BY e.run_id, incarnation
  ),
  life AS (
    SELECT
      run_id, container, incarnation, min(instance) AS instance, min(slot) AS slot, min(node) AS node, min_by(actor, position) AS actor,
      min(at_us) AS ts_us, min_by(event_id, position) AS event_id,
      min(at_us) FILTER (WHERE kind = 'container.launched') AS launched_us,
      min_by(event_id, position) FILTER (WHERE kind = 'container.launched') AS launch_event_id,
      min(at_us) FILTER (WHERE kind IN ('container.stopped', 'container.exited', 'container.removed')) AS stopped_us,
      min_by(event_id, position) FILTER (WHERE kind IN ('container.stopped', 'container.exited', 'container.removed')) AS stop_event_id,
      min(at_us) FILTER (WHERE kind = 'container.removed') AS removed_us,
      min_by(event_id, position) FILTER (WHERE kind = 'container.removed') AS end_event_id
    FROM said
    GROUP BY run_id, container, incarnation
  )
SELECT
  l.run_id, container, instance, slot, node, actor, ts_us,
  coalesce(removed_us, last_us) - ts_us AS dur_us,
  removed_us IS NULL AS is_open,
  launched_us,
  coalesce(stopped_us, last_us) AS stopped_us,
  event_id, launch_event_id, stop_event_id, end_event_id
FROM life AS l
JOIN runtime_word AS w ON w.run_id = l.run_id AND w.incarnation = l.incarnation
