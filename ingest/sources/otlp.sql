-- title: OpenTelemetry logs, OTLP in JSON: one export request a line, or one document
-- first record has: resourceLogs
-- document has: resourceLogs
-- items: resourceLogs
-- a line says: many events
-- Each log record is an event. What it was decided about, and which run it is of, are attributes by the names of the wire
-- contract (`run_id`, `subject.kind`, `subject.id`, `event_id`, `seq`, `outcome`, `reason`); a record without them is about its
-- service. Nanoseconds of 0 are no time, so the time at which the record was seen stands in.
WITH request AS (
    SELECT
        idx, byte_offset, raw,
        CASE WHEN NOT json_valid(raw) THEN [] WHEN json_exists(raw, '$.resourceLogs') THEN json_extract(raw, '$.resourceLogs[*]')
            ELSE [raw::JSON] END AS resources
    FROM chunk
), listed AS (
    SELECT
        idx, byte_offset, raw,
        flatten(list_transform(resources, lambda r: flatten(list_transform(json_extract(r, '$.scopeLogs[*]'), lambda s:
            list_transform(json_extract(s, '$.logRecords[*]'), lambda l: {record: l, scope: json_extract_string(s, '$.scope.name'),
                own: json_extract(l, '$.attributes[*]'), resource: json_extract(r, '$.resource.attributes[*]')}))))) AS logs
    FROM request
), told AS (
    SELECT
        idx, byte_offset, raw, unnest(CASE WHEN logs = [] THEN [NULL] ELSE logs END) AS log,
        unnest(range(greatest(len(logs), 1))) AS part
    FROM listed
), named AS (
    SELECT
        *, otlp_object(log.own) AS attributes, otlp_object(log.resource) AS resource,
        from_json(log.record, '{"timeUnixNano":"VARCHAR","observedTimeUnixNano":"VARCHAR","eventName":"VARCHAR","severityText":"VARCHAR",
            "traceId":"VARCHAR","spanId":"VARCHAR","body":"JSON"}') AS l
    FROM told
)
SELECT
    idx, part, byte_offset, raw,
    CASE WHEN log IS NULL THEN CASE WHEN json_valid(raw) THEN '' END ELSE to_json({
        event_id: coalesce(attributes->>'event_id', attributes->>'$."log.record.uid"', left(sha256(log::VARCHAR), 20)),
        run_id: coalesce($run, attributes->>'run_id', resource->>'run_id', 'otlp'),
        time: strftime(make_timestamp(coalesce(nullif(try_cast(l.timeUnixNano AS BIGINT), 0),
            try_cast(l.observedTimeUnixNano AS BIGINT)) // 1000), '%Y-%m-%dT%H:%M:%S.%fZ'),
        actor: left(coalesce(resource->>'$."service.name"', 'unknown_service') || coalesce('/' || nullif(log.scope, ''), ''), 200),
        incarnation: resource->>'$."service.instance.id"',
        seq: attributes->'seq',
        kind: coalesce(nullif(l.eventName, ''), attributes->>'$."event.name"', 'log.recorded'),
        subject: CASE WHEN attributes->>'$."subject.id"' <> '' THEN
            {kind: coalesce(attributes->>'$."subject.kind"', 'subject'), id: attributes->>'$."subject.id"'}
            ELSE {kind: 'service', id: left(coalesce(resource->>'$."service.name"', 'unknown_service'), 200)} END,
        refs: list_filter([
            {role: 'trace', kind: 'trace', id: l.traceId},
            {role: 'span', kind: 'span', id: l.spanId},
            {role: 'pod', kind: 'pod', id: resource->>'$."k8s.pod.name"'},
            {role: 'node', kind: 'node', id: resource->>'$."k8s.node.name"'}
        ], lambda ref: ref.id <> ''),
        outcome: attributes->>'outcome',
        reason: attributes->>'reason',
        data: json_merge_patch(attributes, json_object('severity', l.severityText, 'body', otlp_value(l.body)))
    })::VARCHAR END AS text
FROM named
