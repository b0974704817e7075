-- title: decision events, one JSON object a line
-- first record has: event_id, time, actor, kind, subject
-- This is the wire contract itself; every other source maps to it.
SELECT idx, byte_offset, raw, raw AS text FROM chunk
