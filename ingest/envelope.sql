-- One chunk of lines, judged and typed. `is_clean` may doubt a good line, and never passes a bad one:
-- what is not clean is decided by ingest/strict.py. Wildcard paths give every value of an object, twice where a key
-- stands twice, so that counting them finds unknown and duplicate keys.
-- The braces are filled by ingest/envelope.py: the source's own mapping to native text, and the vocabulary.
WITH mapped AS (
    {{source}}
), valid AS (
    SELECT
        idx, byte_offset, raw,
        CASE WHEN json_valid(text) THEN text END AS text,
        strlen(raw) <= 1048576 AND NOT regexp_matches(
            raw, '[:,\[]\s*-?(?:[nN][aA]|[iI]|[0-9]{19}|[0-9][0-9.]*[eE]\+?[0-9]{3})|,\s*[\]}]|\\u(?:0000|[dD][89a-fA-F])') AS is_plain
    FROM mapped
), typed AS (
    SELECT
        idx, byte_offset, raw, text, is_plain,
        -- 1-4 required texts, 5-10 optional texts, 11-15 integers, 16 subject, 17-19 lists, 20 data
        json_type(text, ['$.event_id', '$.time', '$.actor', '$.kind',
            '$.run_id', '$.incarnation', '$.commit_time', '$.workload', '$.outcome', '$.reason',
            '$.seq', '$.clock', '$.revision', '$.generation', '$.epoch',
            '$.subject', '$.refs', '$.caused_by', '$.inputs', '$.data']) AS types,
        len(json_keys(text)) AS keys,
        from_json(text, '{"event_id":"VARCHAR","run_id":"VARCHAR","time":"VARCHAR","actor":"VARCHAR","incarnation":"VARCHAR","seq":"BIGINT",
            "clock":"BIGINT","kind":"VARCHAR","revision":"BIGINT","commit_time":"VARCHAR","subject":"JSON","refs":"JSON","workload":"VARCHAR",
            "generation":"BIGINT","epoch":"BIGINT","caused_by":"JSON","inputs":"JSON","outcome":"VARCHAR","reason":"VARCHAR","data":"JSON"}') AS e
    FROM valid
), parts AS (
    SELECT
        idx, byte_offset, raw, text, is_plain, types, keys, e,
        coalesce(e.run_id, $run) AS run_id,
        from_json(e.subject, '{"kind":"VARCHAR","id":"VARCHAR"}') AS subject,
        nullif(e.refs, '[]') AS refs,
        nullif(e.caused_by, '[]') AS caused_by,
        nullif(e.inputs, '[]') AS inputs,
        coalesce(e.data, '{}') AS data
    FROM typed
), judged AS (
    SELECT
        *,
        is_plain AND keys = list_count(types)
        AND types[1:4] = ['VARCHAR', 'VARCHAR', 'VARCHAR', 'VARCHAR']
        AND list_has_all(['VARCHAR', 'NULL'], types[5:10])
        AND list_has_all(['UBIGINT', 'BIGINT', 'NULL'], types[11:15])
        AND list_has_all(['ARRAY'], types[17:19])
        AND coalesce(types[20], 'OBJECT') = 'OBJECT'
        AND length(e.event_id) BETWEEN 1 AND 200 AND length(run_id) BETWEEN 1 AND 200
        AND length(e.actor) BETWEEN 1 AND 200 AND length(e.kind) BETWEEN 1 AND 200
        AND length(coalesce(e.incarnation, '-')) BETWEEN 1 AND 200 AND length(coalesce(e.workload, '-')) BETWEEN 1 AND 200
        AND json_type(e.subject, '$.*') = ['VARCHAR', 'VARCHAR']
        AND length(subject.kind) BETWEEN 1 AND 200 AND length(subject.id) BETWEEN 1 AND 200
        AND is_time(e.time) AND (e.commit_time IS NULL OR is_time(e.commit_time))
        AND CASE WHEN refs IS NULL THEN true ELSE is_refs(refs) END
        AND CASE WHEN caused_by IS NULL THEN true ELSE is_identifiers(caused_by) END
        AND CASE WHEN inputs IS NULL THEN true ELSE is_inputs(inputs) END
        AND {{own_checks}} AS is_clean
    FROM parts
)
SELECT
    idx, byte_offset, coalesce(is_clean, false) AS is_clean, CASE WHEN NOT coalesce(is_clean, false) THEN text END AS doubtful_text, e.event_id, run_id, utc_us(e.time) AS ts_us, e.actor, e.incarnation, e.seq, e.clock, e.kind,
    e.revision, utc_us(e.commit_time) AS commit_us, subject.kind AS subject_kind, subject.id AS subject_id, e.workload, e.generation, e.epoch,
    e.outcome, e.reason, refs, caused_by, inputs, data, hash(raw) AS content_hash, false AS is_conflict
FROM judged
