-- title: Kubernetes events, one JSON object a line or an EventList or List document (kubectl get events -o json)
-- first record has: involvedObject, reason
-- document is: EventList, List
-- document has: involvedObject, reason
-- items: items, *
-- Identity is the uid, so that a pod that was deleted and made again is two objects: `pod/<name>@<first 8 of the uid>`.
-- A row stands for `count` occurrences (`series_count` in the newer form), the newest at `lastTimestamp`; seen again with
-- another count it is another event.
WITH record AS (
    SELECT
        idx, byte_offset, raw,
        from_json(CASE WHEN json_valid(raw) THEN raw END, '{"metadata":{"uid":"VARCHAR","creationTimestamp":"VARCHAR"},
            "involvedObject":{"kind":"VARCHAR","namespace":"VARCHAR","name":"VARCHAR","uid":"VARCHAR","fieldPath":"VARCHAR"},
            "reason":"VARCHAR","message":"VARCHAR","type":"VARCHAR","action":"VARCHAR","count":"BIGINT","firstTimestamp":"VARCHAR",
            "lastTimestamp":"VARCHAR","eventTime":"VARCHAR","series":{"count":"BIGINT","lastObservedTime":"VARCHAR"},
            "source":{"component":"VARCHAR","host":"VARCHAR"},"reportingComponent":"VARCHAR","reportingInstance":"VARCHAR"}') AS v
    FROM chunk
), told AS (
    SELECT
        *, coalesce(v.count, 1) AS count,
        coalesce(nullif(v.reportingComponent, ''), v.source.component) AS component,
        coalesce(nullif(v.reportingInstance, ''), v.source.host) AS instance,
        lower(regexp_replace(v.reason, '([a-z0-9])([A-Z])', '\1_\2', 'g')) AS happened
    FROM record
)
SELECT
    idx, byte_offset, raw,
    to_json({
        event_id: v.metadata.uid || '/' || coalesce(v.series.count, count),
        run_id: coalesce($run, 'kubernetes'),
        time: coalesce(v.series.lastObservedTime, v.lastTimestamp, v.eventTime, v.firstTimestamp, v.metadata.creationTimestamp),
        actor: coalesce(instance || '/', '') || component,
        kind: lower(v.involvedObject.kind) || '.' || happened,
        subject: {kind: lower(v.involvedObject.kind), id: v.involvedObject.name || coalesce('@' || v.involvedObject.uid[:8], '')},
        refs: list_filter([
            {role: 'namespace', kind: 'namespace', id: v.involvedObject.namespace},
            {role: 'node', kind: 'node', id: v.source.host}
        ], lambda ref: ref.id <> ''),
        outcome: 'observed',
        reason: v.reason,
        data: {count: count, series_count: v.series.count, type: v.type, message: v.message, action: v.action,
            first_time: coalesce(v.firstTimestamp, v.eventTime), last_time: coalesce(v.lastTimestamp, v.eventTime),
            uid: v.involvedObject.uid, name: v.involvedObject.name,
            field_path: v.involvedObject.fieldPath}
    }) AS text
FROM told
