-- One chunk of lines, typed, with what there is to judge about each. A line's values are judged here (`is_sound`), its
-- shape once for all lines that share it, in ingest/shapes.py. Both may doubt a good line and never pass a bad one:
-- a doubtful line is decided by ingest/strict.py. Wildcard paths give every value of an object, twice where a key stands
-- twice, so that counting finds unknown and duplicate keys. The source's own mapping to native text comes first.
WITH mapped AS (
    {{source}}
), valid AS (
    SELECT
        idx, byte_offset, CASE WHEN json_valid(text) THEN text END AS text,
        is_plain_line
            AND CASE WHEN strlen(text) < 40000 THEN true ELSE strlen(text) - strlen(replace(text, ':', '')) <= 10000 END AS is_plain
    FROM mapped
), typed AS (
    SELECT
        idx, byte_offset, is_plain,
        json_type(text, [{{paths}}]) AS types,
        json_keys(text) AS names,
        from_json(text, '{{{structure}}}') AS e,
        text
    FROM valid
), parts AS (
    SELECT
        idx, byte_offset, is_plain, types, names, e, text,
        coalesce(e.run_id, $run) AS run_id,
        from_json(e.subject, '{"kind":"VARCHAR","id":"VARCHAR"}') AS subject,
        nullif(e.refs, '[]') AS refs,
        nullif(e.caused_by, '[]') AS caused_by,
        nullif(e.inputs, '[]') AS inputs,
        coalesce(e.data, '{}') AS data,
        coalesce(array_to_string(json_keys(e.data), chr(31)), '') AS own_names,
        coalesce(array_to_string(json_type(e.data, '$.*'), chr(31)), '') AS own_types
    FROM typed
)
SELECT
    idx, byte_offset, e.event_id, run_id, utc_us(e.time) AS ts_us, e.actor, e.incarnation, e.seq, e.clock, e.kind, e.revision,
    utc_us(e.commit_time) AS commit_us, subject.kind AS subject_kind, subject.id AS subject_id, e.workload, e.generation, e.epoch,
    e.outcome, e.reason, refs, caused_by, inputs, data,
    CASE WHEN len(names) > list_count(types) THEN json_merge_patch(text, '{{{absent}}}') END AS extra,
    hash({{content}}) AS content_hash, false AS is_conflict,
    types::VARCHAR AS types,
    coalesce(len(names) = list_count(types), false) AS has_known_keys,
    list_count([e.seq, e.clock, e.revision, e.generation, e.epoch]) AS integers,
    own_names,
    own_types,
    coalesce(
        is_plain
        AND length(e.event_id) BETWEEN 1 AND 200 AND length(run_id) BETWEEN 1 AND 200
        AND length(e.actor) BETWEEN 1 AND 200 AND length(e.kind) BETWEEN 1 AND 200
        AND length(coalesce(e.incarnation, '-')) BETWEEN 1 AND 200 AND length(coalesce(e.workload, '-')) BETWEEN 1 AND 200
        AND json_type(e.subject, '$.*') = ['VARCHAR', 'VARCHAR']
        AND length(subject.kind) BETWEEN 1 AND 200 AND length(subject.id) BETWEEN 1 AND 200
        AND is_time(e.time) AND (e.commit_time IS NULL OR is_time(e.commit_time))
        AND CASE WHEN refs IS NULL THEN true ELSE is_refs(refs) END
        AND CASE WHEN caused_by IS NULL THEN true ELSE is_identifiers(caused_by) END
        AND CASE WHEN inputs IS NULL THEN true ELSE is_inputs(inputs) END
        AND CASE WHEN contains(own_types, 'DOUBLE') OR contains(own_types, 'OBJECT') OR contains(own_types, 'ARRAY')
                THEN has_plain_numbers(data) AND has_unique_keys_inside(data) AND NOT regexp_matches(text, '[-+0-9.eE]{100}')
            ELSE NOT regexp_matches(data, '[0-9]{19}') OR has_plain_numbers(data) END, false) AS is_sound
FROM parts
