-- title: SimKube trace, one JSON document
-- document has: applied_objs, deleted_objs, ts
-- items: events
-- a line says: many events
-- clock is: a place
-- Each object that a step applies or deletes is an event; a step with none is passed over. Times are seconds. An event is known by its
-- second and by what was done, so that a trace which was exported again from a later moment on has the same events.
WITH step AS (
    SELECT
        idx, byte_offset, raw,
        from_json(CASE WHEN json_valid(raw) THEN raw END, '{"ts":"BIGINT","applied_objs":["JSON"],"deleted_objs":["JSON"]}') AS s
    FROM chunk
), listed AS (
    SELECT
        *, list_concat(list_transform(coalesce(s.applied_objs, []), lambda held: {deed: 'applied', held: held}),
            list_transform(coalesce(s.deleted_objs, []), lambda held: {deed: 'deleted', held: held})) AS changes
    FROM step
), told AS (
    SELECT
        *, unnest(CASE WHEN changes = [] THEN [NULL] ELSE changes END) AS change, unnest(range(greatest(len(changes), 1))) AS part
    FROM listed
), named AS (
    SELECT
        *,
        from_json(change.held, '{"kind":"VARCHAR","metadata":{"namespace":"VARCHAR","name":"VARCHAR"},"spec":{"replicas":"BIGINT"}}') AS o
    FROM told
)
SELECT
    idx, part, byte_offset, raw,
    CASE WHEN s.ts IS NOT NULL AND change IS NULL THEN '' WHEN change IS NOT NULL THEN to_json({
        event_id: s.ts || '/' || change.deed || '/' || left(sha256(change.held), 16)
            || '/' || row_number() OVER (PARTITION BY s.ts, change.deed, change.held ORDER BY idx, part),
        run_id: coalesce($run, 'simkube'),
        time: CASE WHEN s.ts BETWEEN 0 AND 253402300799 THEN strftime(make_timestamp(s.ts * 1000000), '%Y-%m-%dT%H:%M:%SZ') END,
        actor: 'simkube/trace',
        clock: byte_offset,
        kind: lower(coalesce(o.kind, 'object')) || '.' || change.deed,
        subject: {kind: lower(coalesce(o.kind, 'object')), id: coalesce(o.metadata.namespace || '/', '') || o.metadata.name},
        refs: list_filter([{role: 'namespace', kind: 'namespace', id: o.metadata.namespace}], lambda ref: ref.id <> ''),
        outcome: 'committed',
        data: {replicas: o.spec.replicas, object: change.held}
    })::VARCHAR END AS text
FROM named
