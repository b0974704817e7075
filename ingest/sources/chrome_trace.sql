-- title: Chrome trace events, one JSON document (a list, or an object with the list `traceEvents`)
-- document has: ph, pid, ts
-- items: traceEvents, *
-- a line says: many events
-- clock is: a place
-- A slice is a pair of `B` and `E` on one thread, matched as a stack in the order of time; where two have the same time, the
-- file's order holds. A complete slice `X` is a begin and an end. Rows `M` give processes and threads their names and are no
-- events. Times are microseconds since an unknown moment, here since 1970.
WITH record AS (
    SELECT
        idx, byte_offset, raw,
        from_json(CASE WHEN json_valid(raw) THEN raw END, '{"ph":"VARCHAR","pid":"VARCHAR","tid":"VARCHAR","ts":"DOUBLE","dur":"DOUBLE",
            "name":"VARCHAR","cat":"VARCHAR","id":"VARCHAR","args":"JSON"}') AS e
    FROM chunk
), counted AS (
    SELECT
        *, row_number() OVER (PARTITION BY raw ORDER BY idx) AS copy,
        try_cast(e.ts AS BIGINT) || '-' || row_number() OVER (PARTITION BY e.pid, e.tid, e.ts, e.ph ORDER BY idx) AS mark
    FROM record
), thread AS (
    SELECT e.pid, e.tid, min(e.args->>'name') AS name FROM record WHERE e.ph = 'M' AND e.name = 'thread_name' GROUP BY ALL
), depth AS (
    SELECT
        idx, e,
        sum(CASE e.ph WHEN 'B' THEN 1 ELSE -1 END) OVER (PARTITION BY e.pid, e.tid ORDER BY e.ts, idx) + (e.ph = 'E')::INTEGER AS level
    FROM record
    WHERE e.ph IN ('B', 'E')
), stack AS (
    SELECT
        idx,
        last_value(CASE WHEN e.ph = 'B' THEN idx END IGNORE NULLS) OVER (PARTITION BY e.pid, e.tid, level ORDER BY e.ts, idx) AS begin_idx
    FROM depth
), slice AS (
    SELECT
        r.idx, r.byte_offset, r.raw, r.e, r.copy, coalesce(b.e.name, r.e.name, 'slice') AS name, t.name AS thread_name,
        coalesce(r.e.id, b.mark, r.mark) AS mark
    FROM counted AS r
    LEFT JOIN stack AS s ON s.idx = r.idx
    LEFT JOIN counted AS b ON b.idx = s.begin_idx
    LEFT JOIN thread AS t ON t.pid = r.e.pid AND t.tid = r.e.tid
), told AS (
    SELECT *, unnest(CASE e.ph WHEN 'B' THEN ['slice.begun'] WHEN 'E' THEN ['slice.ended'] WHEN 'X' THEN ['slice.begun', 'slice.ended']
        WHEN 'b' THEN ['async.begun'] WHEN 'e' THEN ['async.ended'] WHEN 'n' THEN ['async.marked'] WHEN 'C' THEN ['counter.sampled']
        WHEN 'M' THEN [NULL] ELSE ['trace.marked'] END) AS kind
    FROM slice
), placed AS (
    SELECT *, CASE WHEN e.ph = 'X' AND kind = 'slice.ended' THEN e.ts + coalesce(e.dur, 0) ELSE e.ts END AS at_us FROM told
)
SELECT
    idx, coalesce(kind, '') AS part, byte_offset, raw,
    CASE WHEN e.ph = 'M' THEN '' WHEN e.ph IS NOT NULL THEN to_json({
        event_id: left(sha256(raw), 20) || '-' || copy || CASE WHEN e.ph = 'X' THEN kind[6:] ELSE '' END,
        run_id: coalesce($run, 'chrome_trace'),
        time: CASE WHEN at_us BETWEEN 0 AND 253402300799999999 THEN strftime(make_timestamp(at_us::BIGINT), '%Y-%m-%dT%H:%M:%S.%fZ') END,
        actor: e.pid || '/' || coalesce(thread_name || '-', '') || coalesce(e.tid, '0'),
        clock: row_number() OVER (ORDER BY at_us, idx, kind),
        kind: kind,
        subject: {kind: split_part(kind, '.', 1), id: left(name, 120) || '@' || e.pid || '/' || coalesce(e.tid, '0') || '/' || mark},
        refs: list_filter([
            {role: 'thread', kind: 'thread', id: e.pid || '/' || e.tid},
            {role: 'process', kind: 'process', id: e.pid}
        ], lambda ref: ref.id <> ''),
        data: json_merge_patch('{}', json_object('name', name, 'category', e.cat, 'phase', e.ph, 'args', e.args))
    })::VARCHAR END AS text
FROM placed
