-- title: Temporal workflow history, one JSON document (temporal workflow show --output json)
-- document has: eventId, eventType
-- items: events
-- One execution of a workflow is one run. Its history is appended in the order of `eventId`, so an event is committed no
-- earlier than the one before it, whatever its `eventTime` says. Events of an activity, a timer, a task or an update name
-- the event that began it: that is what tells one from another. Names of types are either `ActivityTaskStarted` or
-- `EVENT_TYPE_ACTIVITY_TASK_STARTED`.
WITH record AS (
    SELECT
        idx, byte_offset, raw,
        from_json(CASE WHEN json_valid(raw) THEN raw END, '{"eventId":"BIGINT","eventTime":"VARCHAR","eventType":"VARCHAR",
            "workflowExecutionStartedEventAttributes":{"workflowId":"VARCHAR","originalExecutionRunId":"VARCHAR",
            "workflowType":{"name":"VARCHAR"}}}') AS e,
        CASE WHEN json_valid(raw) THEN
            json_extract(raw, '$.' || list_filter(json_keys(raw), lambda name: regexp_full_match(name, '[A-Za-z]+EventAttributes'))[1])
        END AS attributes
    FROM chunk
), linked AS (
    SELECT
        *,
        from_json(attributes, '{"activityId":"VARCHAR","timerId":"VARCHAR","identity":"VARCHAR","scheduledEventId":"BIGINT",
            "startedEventId":"BIGINT","acceptedEventId":"BIGINT","initiatedEventId":"BIGINT",
            "workflowTaskCompletedEventId":"BIGINT"}') AS a,
        regexp_replace(lower(CASE WHEN e.eventType LIKE 'EVENT_TYPE_%' THEN e.eventType[12:]
            ELSE regexp_replace(e.eventType, '([a-z0-9])([A-Z])', '\1_\2', 'g') END), '^upsert_workflow_(.*)$', '\1_upserted') AS happened,
        first_value(e.workflowExecutionStartedEventAttributes) OVER (ORDER BY e.eventId NULLS LAST, idx) AS execution,
        make_timestamp(max(utc_us(e.eventTime)) OVER (ORDER BY e.eventId NULLS LAST, idx)) AS committed
    FROM record
), told AS (
    SELECT
        *,
        coalesce(execution.originalExecutionRunId, 'temporal') AS execution_id,
        coalesce(execution.workflowId, execution.originalExecutionRunId, 'temporal') AS workflow,
        CASE WHEN happened LIKE 'activity_task_%' THEN 'activity' WHEN happened LIKE 'workflow_task_%' THEN 'workflow_task'
            WHEN happened LIKE 'workflow_execution_update_%' THEN 'update' WHEN happened LIKE 'timer_%' THEN 'timer'
            WHEN happened LIKE '%child_workflow_execution_%' THEN 'child_workflow' ELSE 'workflow' END AS thing,
        regexp_replace(happened, '^(activity_task|workflow_task|workflow_execution_update|timer|workflow_execution)_', '') AS deed,
        coalesce(nullif(a.scheduledEventId, 0), nullif(a.acceptedEventId, 0), nullif(a.initiatedEventId, 0),
            CASE WHEN a.timerId IS NOT NULL THEN nullif(a.startedEventId, 0) END, e.eventId) AS first_id
    FROM linked
)
SELECT
    idx, byte_offset, raw,
    to_json({
        event_id: execution_id || '/' || e.eventId,
        run_id: coalesce($run, execution_id),
        time: e.eventTime,
        commit_time: strftime(committed, '%Y-%m-%dT%H:%M:%S.%fZ'),
        actor: 'temporal/history',
        incarnation: execution_id,
        seq: e.eventId,
        clock: e.eventId,
        kind: thing || '.' || replace(deed, 'child_workflow_execution_', ''),
        subject: {kind: thing, id: workflow || CASE WHEN thing <> 'workflow' THEN '/' || first_id ELSE '' END},
        refs: list_filter([
            {role: 'workflow', kind: 'workflow', id: workflow},
            {role: 'identity', kind: 'worker', id: a.identity}
        ], lambda ref: ref.id <> ''),
        workload: execution.workflowType.name,
        caused_by: list_transform(list_distinct(list_filter([a.scheduledEventId, a.startedEventId, a.acceptedEventId, a.initiatedEventId,
            a.workflowTaskCompletedEventId], lambda id: id > 0)), lambda id: execution_id || '/' || id),
        outcome: CASE WHEN regexp_matches(deed, 'rejected$') THEN 'rejected' WHEN regexp_matches(deed, '(failed|timed_out)$') THEN 'failed'
            ELSE 'committed' END,
        data: attributes
    })::VARCHAR AS text
FROM told
