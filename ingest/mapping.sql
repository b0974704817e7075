-- Lines of a mapping file to native text. The fields of a line, when it happened, and the rule that fits come first. Every name
-- and text of the mapping is bound; what stands in braces here is made of column names of our own. A line that is to be passed
-- over has empty text, one that no rule fits has none.
WITH matched AS (
    SELECT idx, byte_offset, raw, {{is_skipped}} AS is_skipped, {{is_fit}} AS is_fit FROM chunk
), field AS (
    SELECT *, {{fields}} FROM matched
), ruled AS (
    SELECT *, {{rule}} AS rule FROM field
), told AS (
    SELECT *, {{at_us}} AS at_us FROM ruled
)
SELECT
    idx, coalesce(rule, 0) AS part, byte_offset, raw,
    CASE WHEN is_skipped THEN '' WHEN rule IS NOT NULL AND NOT contains(raw, chr(0)) THEN to_json({
        event_id: {{event_id}},
        run_id: coalesce($run, {{run}}),
        time: CASE WHEN at_us BETWEEN -62135596800000000 AND 253402300799999999
            THEN strftime(make_timestamp(at_us::BIGINT), '%Y-%m-%dT%H:%M:%S.%fZ') END,
        actor: {{actor}},
        incarnation: {{incarnation}},
        seq: {{seq}},
        clock: {{clock}},
        kind: {{kind}},
        subject: {kind: {{subject_kind}}, id: {{subject_id}}},
        refs: {{refs}},
        workload: {{workload}},
        caused_by: {{caused_by}},
        outcome: {{outcome}},
        reason: {{reason}},
        data: {{data}}
    })::VARCHAR END AS text
FROM told
