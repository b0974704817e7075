-- Lines that were read, by what became of them.
--
-- `event`, `duplicate`, `conflict`, `quarantined` or `blank`; together they are all lines of all files.
--
-- column result: what became of them
-- column value: how many lines
SELECT 'event' AS result, coalesce(sum(events), 0) AS value
FROM ingest_file
UNION ALL
SELECT 'duplicate' AS result, coalesce(sum(duplicates), 0) AS value
FROM ingest_file
UNION ALL
SELECT 'conflict' AS result, coalesce(sum(conflicts), 0) AS value
FROM ingest_file
UNION ALL
SELECT 'quarantined' AS result, coalesce(sum(quarantined), 0) AS value
FROM ingest_file
UNION ALL
SELECT 'blank' AS result, coalesce(sum(blank), 0) AS value
FROM ingest_file
