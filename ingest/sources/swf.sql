-- title: Standard Workload Format, one job a line with 18 numbers
-- begins with: (?:[ \t\r]*(?:;[^\n]*)?\n)*[ \t]*(?:-?[0-9.]+[ \t]+){17}-?[0-9.]+[ \t\r]*(?:\n|$)
-- lines are: text
-- a line says: many events
-- A job is submitted, started after its wait and ended after its run; -1 is unknown. Lines of status 2 to 4 are parts of a job
-- whose own line says the whole, so they are passed over. Seconds count from `; UnixStartTime:`, or else from 1970.
WITH job AS (
    SELECT
        idx, byte_offset, raw, regexp_split_to_array(trim(raw), '\s+') AS field,
        1000000 * coalesce(max(try_cast(regexp_extract(raw, '^; *UnixStartTime: *([0-9]+)', 1) AS BIGINT)) OVER (), 0)::HUGEINT AS origin_us
    FROM chunk
), timed AS (
    SELECT
        *, field[1] AS id, regexp_full_match(raw, '\s*(?:;.*)?') OR field[11] IN ('2', '3', '4') AS is_passed_over,
        (try_cast(field[2] AS DECIMAL(28, 6)) * 1000000)::HUGEINT + origin_us AS submitted_us,
        (try_cast(nullif(field[3], '-1') AS DECIMAL(28, 6)) * 1000000)::HUGEINT AS wait_us,
        (try_cast(nullif(field[4], '-1') AS DECIMAL(28, 6)) * 1000000)::HUGEINT AS run_us
    FROM job
), told AS (
    SELECT *, unnest(CASE WHEN is_passed_over OR len(field) <> 18 OR submitted_us IS NULL THEN [NULL] ELSE list_filter([
        {part: 'batch_job.submitted', at_us: submitted_us},
        {part: 'batch_job.started', at_us: submitted_us + wait_us},
        {part: 'batch_job.ended', at_us: submitted_us + wait_us + run_us}], lambda moment: moment.at_us IS NOT NULL) END) AS moment
    FROM timed
)
SELECT
    idx, coalesce(moment.part, '') AS part, byte_offset, raw,
    CASE WHEN is_passed_over THEN '' WHEN moment IS NOT NULL THEN to_json({
        event_id: id || '/' || moment.part[11:],
        run_id: coalesce($run, 'batch_jobs'),
        time: CASE WHEN moment.at_us BETWEEN 0 AND 253402300799999999
            THEN strftime(make_timestamp(moment.at_us::BIGINT), '%Y-%m-%dT%H:%M:%S.%fZ') END,
        actor: 'scheduler',
        kind: moment.part,
        subject: {kind: 'batch_job', id: id},
        refs: list_filter([
            {role: 'user', kind: 'user', id: nullif(field[12], '-1')},
            {role: 'queue', kind: 'queue', id: nullif(field[15], '-1')},
            {role: 'after', kind: 'batch_job', id: nullif(field[17], '-1')}
        ], lambda ref: ref.id <> ''),
        outcome: CASE WHEN moment.part = 'batch_job.submitted' THEN 'attempted'
            WHEN moment.part = 'batch_job.ended' AND field[11] IN ('0', '5') THEN 'failed' ELSE 'committed' END,
        data: CASE moment.part WHEN 'batch_job.submitted' THEN json_merge_patch('{}', json_object('processors', nullif(field[8], '-1'),
                'requested_time', nullif(field[9], '-1'), 'requested_memory', nullif(field[10], '-1')))
            WHEN 'batch_job.started' THEN json_merge_patch('{}', json_object('processors', nullif(field[5], '-1'))) ELSE '{}' END
    })::VARCHAR END AS text
FROM told
