-- title: Kubernetes audit log, one JSON object a line
-- first record has: auditID, stage, verb
-- A stage of a request is an event; its stages share the object `request/<auditID>`. A request for one object is about
-- that object (`pod/<name>`), any other about the collection (`pods/<namespace>`) or the URL. Logs of 2017 carry the time
-- in `timestamp`. The actor is who the request acted as. One cluster is one run; rotated files belong together.
WITH record AS (
    SELECT
        idx, byte_offset, raw,
        from_json(CASE WHEN json_valid(raw) THEN raw END, '{"auditID":"VARCHAR","stage":"VARCHAR","verb":"VARCHAR","requestURI":"VARCHAR",
            "level":"VARCHAR","timestamp":"VARCHAR","requestReceivedTimestamp":"VARCHAR","stageTimestamp":"VARCHAR","userAgent":"VARCHAR",
            "user":{"username":"VARCHAR"},"impersonatedUser":{"username":"VARCHAR"},
            "objectRef":{"resource":"VARCHAR","namespace":"VARCHAR","name":"VARCHAR","uid":"VARCHAR","subresource":"VARCHAR"},
            "responseStatus":{"code":"BIGINT","reason":"VARCHAR","message":"VARCHAR"},"sourceIPs":["VARCHAR"],
            "responseObject":{"metadata":{"uid":"VARCHAR","name":"VARCHAR"}}}') AS a
    FROM chunk
), named AS (
    SELECT
        *, coalesce(nullif(a.objectRef.name, ''), a.responseObject.metadata.name) AS name,
        coalesce(a.objectRef.uid, a.responseObject.metadata.uid) AS uid,
        CASE WHEN a.objectRef.resource LIKE '%ies' THEN a.objectRef.resource[:-4] || 'y'
            WHEN a.objectRef.resource LIKE '%sses' THEN a.objectRef.resource[:-3]
            WHEN a.objectRef.resource IN ('endpoints', 'ingress') THEN a.objectRef.resource
            ELSE rtrim(a.objectRef.resource, 's') END AS singular
    FROM record
)
SELECT
    idx, byte_offset, raw,
    to_json({
        event_id: a.auditID || '/' || a.stage,
        run_id: coalesce($run, 'kubernetes'),
        time: coalesce(a.stageTimestamp, a.requestReceivedTimestamp, a.timestamp),
        actor: coalesce(a.impersonatedUser.username, a.user.username),
        kind: CASE a.stage WHEN 'RequestReceived' THEN 'request.received' WHEN 'ResponseStarted' THEN 'request.started'
            WHEN 'ResponseComplete' THEN 'request.completed' WHEN 'Panic' THEN 'request.panicked' END,
        subject: CASE WHEN name IS NOT NULL THEN {kind: singular, id: name || coalesce('@' || uid[:8], '')}
            WHEN a.objectRef.resource IS NOT NULL THEN {kind: a.objectRef.resource, id: coalesce(a.objectRef.namespace, 'cluster')}
            ELSE {kind: 'url', id: left(split_part(a.requestURI, '?', 1), 200)} END,
        refs: list_filter([
            {role: 'request', kind: 'request', id: a.auditID},
            {role: 'namespace', kind: 'namespace', id: a.objectRef.namespace},
            {role: 'impersonator', kind: 'user', id: CASE WHEN a.impersonatedUser.username IS NOT NULL THEN a.user.username END},
            {role: 'user', kind: 'user', id: coalesce(a.impersonatedUser.username, a.user.username)}
        ], lambda ref: ref.id <> ''),
        outcome: CASE WHEN a.responseStatus.code IS NULL THEN 'attempted' WHEN a.responseStatus.code = 409 THEN 'conflict'
            WHEN a.responseStatus.code = 504 THEN 'unknown' WHEN a.responseStatus.code >= 500 THEN 'failed'
            WHEN a.responseStatus.code >= 400 THEN 'rejected'
            WHEN a.verb IN ('get', 'list', 'watch', 'head') THEN 'observed' ELSE 'committed' END,
        reason: a.responseStatus.reason,
        data: {verb: a.verb, code: a.responseStatus.code, uri: a.requestURI, subresource: a.objectRef.subresource, level: a.level,
            message: a.responseStatus.message, user_agent: a.userAgent, source_ips: a.sourceIPs}
    }) AS text
FROM named
