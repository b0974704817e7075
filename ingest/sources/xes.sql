-- title: XES process log, one XML document
-- begins with: \s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<log\b(?=[^>]*\bxes|.{0,60000}<(?:trace|classifier|extension)\b)
-- clock is: a place
-- An event is about its case; the resource is the actor. A life cycle that is not `complete` is a part of the kind. Attributes
-- of the case stand as `case:…` beside those of the event, as the tools that write such a log as CSV name them.
WITH record AS (
    SELECT
        idx, byte_offset, raw, raw->'trace' AS trace, raw->'event' AS event, raw->>'number' AS number,
        raw->>'$.trace."concept:name"' AS case_id,
        coalesce(raw->>'$.event."org:resource"', raw->>'$.event."org:group"', 'unknown') AS resource,
        raw->>'$.event."lifecycle:transition"' AS transition
    FROM chunk
)
SELECT
    idx, byte_offset, raw,
    to_json({
        event_id: coalesce(event->>'$."identity:id"', coalesce(case_id, 'log') || '/' || number),
        run_id: coalesce($run, 'process_log'),
        time: strftime(make_timestamp(utc_us(event->>'$."time:timestamp"')), '%Y-%m-%dT%H:%M:%S.%fZ'),
        actor: resource,
        clock: byte_offset,
        kind: (event->>'$."concept:name"') || CASE WHEN lower(transition) <> 'complete' THEN '.' || lower(transition) ELSE '' END,
        subject: {kind: 'case', id: coalesce(case_id, 'log')},
        refs: [{role: 'resource', kind: 'resource', id: resource}],
        outcome: 'observed',
        data: json_merge_patch(json_merge_patch(event, trace), '{"concept:name":null,"org:resource":null,"time:timestamp":null,
            "lifecycle:transition":null,"identity:id":null}')
    })::VARCHAR AS text
FROM record
