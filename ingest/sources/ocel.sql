-- title: OCEL 2.0 object-centric log: XML, SQLite, or JSON
-- begins with: SQLite format 3\0
-- begins with: \s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<log\b.{0,60000}<(?:object-types|event-types|objects)\b
-- begins with: \s*\{.{0,60000}"(?:objectTypes|eventTypes)"\s*:
-- Every object of an event is a ref whose role is the relation's qualifier; the first is also its subject. What the log says of
-- an object apart from its events is the event `object.described`, at the moment of the first event that touches it; a value that
-- changes later is `object.changed`. OCEL names no actor. A time without a zone is read as UTC and marked `zone: unknown`.
WITH record AS (
    SELECT
        idx, byte_offset, raw,
        from_json(raw, '{"what":"VARCHAR","id":"VARCHAR","type":"VARCHAR","time":"VARCHAR","object":{"kind":"VARCHAR","id":"VARCHAR"},
            "refs":[{"role":"VARCHAR","kind":"VARCHAR","id":"VARCHAR"}],"attributes":"JSON"}') AS r
    FROM chunk
), told AS (
    SELECT
        *, regexp_matches(r.time, '([Zz]|[+-][0-9:]{2,6})$') AND contains(r.time, ':') AND length(r.time) > 10 AS has_zone,
        replace(trim(r.time), ' ', 'T') AS moment
    FROM record
)
SELECT
    idx, byte_offset, raw,
    to_json({
        event_id: r.what || '/' || r.id,
        run_id: coalesce($run, 'object_centric_log'),
        time: strftime(make_timestamp(utc_us(CASE WHEN has_zone THEN moment ELSE moment || 'Z' END)), '%Y-%m-%dT%H:%M:%S.%fZ'),
        actor: 'ocel',
        clock: CASE r.what WHEN 'object' THEN 0 WHEN 'event' THEN 1 ELSE 2 END,
        kind: CASE r.what WHEN 'object' THEN 'object.described' WHEN 'change' THEN 'object.changed' ELSE r.type END,
        subject: coalesce(r.object, {kind: 'event', id: r.id}),
        refs: r.refs,
        outcome: 'observed',
        data: json_merge_patch(r.attributes, json_object('zone', CASE WHEN NOT has_zone THEN 'unknown' END))
    })::VARCHAR AS text
FROM told
