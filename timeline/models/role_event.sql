-- Events whose kind has a declared role, with the objects that the role is about.
--
-- The source or the mapping file of a log declares what its kinds mean; rules that know only the envelope read this table and
-- judge nothing that is not in it.
--
-- column run_id: the run
-- column activity: what the kind is a part of
-- column role: the part that it plays
-- column thing_kind: sort of the object that it is about
-- column thing: that object
-- column holder: who holds or runs it; null where nobody is named
-- column operation: what an attempt and its answer share; null where nothing is named
-- column scope: what the thing is a part of; null where nothing is named
-- column is_whole: nothing was going on before the log's first event
-- column is_ordered: events of one moment are in order
-- column at_us: when it happened
-- column position: place in the run
-- column event_id: the event
SELECT
  e.run_id, r.activity, r.role, thing.kind AS thing_kind, thing.id AS thing,
  holder.id AS holder, operation.id AS operation, scope.id AS scope,
  r.is_whole, e.clock IS NOT NULL OR e.revision IS NOT NULL AS is_ordered,
  t.at_us, t.position, e.event_id
FROM kind_role AS r
JOIN event AS e ON e.run_id = r.run_id AND e.kind = r.kind
JOIN event_time AS t ON t.event_no = e.event_no
JOIN event_object AS thing ON thing.event_no = e.event_no AND thing.role = r.thing_role
LEFT JOIN event_object AS holder ON holder.event_no = e.event_no AND holder.role = r.holder_role
LEFT JOIN event_object AS operation ON operation.event_no = e.event_no AND operation.role = r.operation_role
LEFT JOIN event_object AS scope ON scope.event_no = e.event_no AND scope.role = r.scope_role
