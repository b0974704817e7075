-- title: OpenTelemetry logs, OTLP in JSON: one export request a line, or one document
-- first record has: resourceLogs
-- document has: resourceLogs
-- items: resourceLogs
-- a line says: many events
-- Each log record is an event. What it was decided about, and which run it is of, are attributes by the names of the wire
-- contract (`run_id`, `subject.kind`, `subject.id`, `event_id`, `seq`, `outcome`, `reason`); a record without them is about its
-- service. Nanoseconds of 0 are no time, so the time at which the record was seen stands in.
-- Taken apart a level at a time, each read once: from within its records, a request of 40 KB would be read again for each of them.
WITH request AS MATERIALIZED (
    SELECT
        idx, byte_offset, json_valid(raw) AS is_json,
        CASE WHEN NOT json_valid(raw) THEN [] WHEN json_exists(raw, '$.resourceLogs') THEN json_extract(raw, '$.resourceLogs[*]')
            ELSE [raw::JSON] END AS resources
    FROM chunk
), by_resource AS (
    SELECT idx, byte_offset, unnest(resources) AS held, generate_subscripts(resources, 1) AS resource_no FROM request
), resource AS (
    SELECT
        idx, byte_offset, resource_no, json_extract(held, '$.resource.attributes[*]') AS of_resource, otlp_object(of_resource) AS resource,
        json_extract(held, '$.scopeLogs[*]') AS scopes
    FROM by_resource
), by_scope AS (
    SELECT *, unnest(scopes) AS held, generate_subscripts(scopes, 1) AS scope_no FROM resource
), scope AS (
    SELECT
        idx, byte_offset, resource_no, of_resource, resource, scope_no, json_extract_string(held, '$.scope.name') AS scope,
        json_extract(held, '$.logRecords[*]') AS records
    FROM by_scope
), record AS (
    SELECT
        idx, byte_offset, of_resource, resource, scope, unnest(records) AS record,
        [resource_no, scope_no, generate_subscripts(records, 1)] AS part
    FROM scope
), named AS (
    SELECT
        *, json_extract(record, '$.attributes[*]') AS own, otlp_object(own) AS attributes,
        from_json(record, '{"timeUnixNano":"VARCHAR","observedTimeUnixNano":"VARCHAR","eventName":"VARCHAR","severityText":"VARCHAR",
            "traceId":"VARCHAR","spanId":"VARCHAR","body":"JSON"}') AS l
    FROM record
)
SELECT idx, [] AS part, byte_offset, CASE WHEN is_json THEN '' END AS text FROM request ANTI JOIN record USING (idx)
UNION ALL
SELECT
    idx, part, byte_offset,
    to_json({
        event_id: coalesce(attributes->>'event_id', attributes->>'$."log.record.uid"',
            left(sha256({record: record, scope: scope, own: own, resource: of_resource}::VARCHAR), 20)),
        run_id: coalesce($run, attributes->>'run_id', resource->>'run_id', 'otlp'),
        time: strftime(make_timestamp(coalesce(nullif(try_cast(l.timeUnixNano AS BIGINT), 0),
            try_cast(l.observedTimeUnixNano AS BIGINT)) // 1000), '%Y-%m-%dT%H:%M:%S.%fZ'),
        actor: left(coalesce(resource->>'$."service.name"', 'unknown_service') || coalesce('/' || nullif(scope, ''), ''), 200),
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
    })::VARCHAR AS text
FROM named
