-- title: CloudEvents 1.0, structured: one JSON object a line, or a batch
-- first record has: specversion, id, source, type
-- document has: specversion, id, source, type
-- items: *
-- Source and id together are the identity. A subject `kind/id` says what was decided about, any other text is an id of its
-- own kind; without a subject it is about its source. Attributes that are not of the specification stay as `extensions`.
WITH record AS (
    SELECT
        idx, byte_offset, raw,
        from_json(CASE WHEN json_valid(raw) THEN raw END, '{"specversion":"VARCHAR","id":"VARCHAR","source":"VARCHAR","type":"VARCHAR",
            "subject":"VARCHAR","time":"VARCHAR","dataschema":"VARCHAR","data":"JSON","data_base64":"VARCHAR"}') AS c,
        json_merge_patch(CASE WHEN json_valid(raw) THEN raw END, '{"specversion":null,"id":null,"source":null,"type":null,"subject":null,
            "time":null,"datacontenttype":null,"dataschema":null,"data":null,"data_base64":null}') AS extensions
    FROM chunk
)
SELECT
    idx, byte_offset, raw,
    CASE WHEN c.specversion LIKE '1.%' THEN to_json({
        event_id: CASE WHEN length(c.source || c.id) < 200 THEN c.source || '/' || c.id ELSE left(sha256(c.source || '/' || c.id), 40) END,
        run_id: coalesce($run, 'cloudevents'),
        time: c.time,
        actor: left(c.source, 200),
        kind: c.type,
        subject: CASE WHEN regexp_matches(c.subject, '^[^/]+/.+$')
            THEN {kind: split_part(c.subject, '/', 1), id: left(c.subject[strpos(c.subject, '/') + 1:], 200)}
            WHEN c.subject <> '' THEN {kind: 'subject', id: left(c.subject, 200)} ELSE {kind: 'source', id: left(c.source, 200)} END,
        data: json_merge_patch(
            CASE WHEN json_type(c.data) = 'OBJECT' THEN c.data ELSE '{}' END,
            json_object('value', CASE WHEN json_type(c.data) <> 'OBJECT' THEN c.data END, 'value_base64', c.data_base64,
                'dataschema', c.dataschema, 'extensions', CASE WHEN extensions <> '{}' THEN extensions END))
    })::VARCHAR END AS text
FROM record
