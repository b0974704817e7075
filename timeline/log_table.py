"""A run as one table that is a log again: each row is an event as its producer would say it.

The columns are the fields of a line, so that what is written of it (Parquet) is read by `timeline ingest` as it stands. What a
replay needs is in it too, as the `recording.*` lines that it came as. Fields that the envelope does not have stand together in the
column `extra`. Secrets are blacked out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from timeline.redaction import SUSPECT, blacked_out_ids, redacted, redacted_json

JSON_COLUMNS = ("inputs", "data", "extra")
EFFECTS_A_LINE = 1000

_LOG = """
WITH named AS (
  SELECT event_no, list({role: role, kind: kind, id: id} ORDER BY role, kind, id) AS refs
  FROM event_object WHERE run_id = $run AND role <> 'subject' GROUP BY event_no
), caused AS (
  SELECT event_no, list(cause_id ORDER BY cause_id) AS causes FROM event_cause WHERE run_id = $run GROUP BY event_no
), journal AS (
  SELECT
    (row_number() OVER (ORDER BY program, n) - 1) // $effects_a_line AS line,
    program, n, json_array(program, n, effect, outcome, revision, digest) AS effect
  FROM effect WHERE run_id = $run
), recorded AS (
  SELECT event_id, kind, data::VARCHAR AS data FROM recording WHERE run_id = $run AND kind <> 'recording.effects'
  UNION ALL
  SELECT 'recorder/effects:' || line, 'recording.effects', to_json({effects: list(effect ORDER BY program, n)})::VARCHAR
  FROM journal GROUP BY line
), said AS (
  SELECT
    time.position, event_id, event.run_id, ts_us, actor, incarnation, seq, clock, event.kind, revision, commit_us,
    {kind: subject_kind, id: subject_id} AS subject, coalesce(named.refs, []) AS refs, workload, generation, epoch,
    coalesce(caused.causes, []) AS caused_by, coalesce(inputs::VARCHAR, '[]') AS inputs, outcome, reason,
    coalesce(data::VARCHAR, '{}') AS data, extra::VARCHAR AS extra, content_hash
  FROM event LEFT JOIN event_time AS time USING (event_no) LEFT JOIN named USING (event_no) LEFT JOIN caused USING (event_no)
  WHERE event.run_id = $run
  UNION ALL BY NAME
  SELECT
    0 AS position, event_id, $run AS run_id, coalesce((SELECT start_us FROM log_bounds WHERE run_id = $run), 0) AS ts_us,
    'recorder/log' AS actor, kind, {kind: 'run', id: $run} AS subject, [] AS refs, [] AS caused_by, '[]' AS inputs,
    'observed' AS outcome, data
  FROM recorded
)
SELECT
  event_id, run_id, strftime(make_timestamp(ts_us), '%Y-%m-%dT%H:%M:%S.%fZ') AS time, actor, incarnation, seq, clock, kind, revision,
  strftime(make_timestamp(commit_us), '%Y-%m-%dT%H:%M:%S.%fZ') AS commit_time, subject, refs, workload, generation, epoch, caused_by,
  inputs, outcome, reason, data, extra
FROM said ORDER BY position NULLS LAST, event_id, content_hash
"""

_IDS = """
SELECT id, max(seq) AS seq FROM (
  SELECT event_id AS id, seq FROM event WHERE run_id = $run
  UNION ALL SELECT cause_id, NULL FROM event_cause WHERE run_id = $run
  UNION ALL SELECT id, NULL FROM event_object WHERE run_id = $run
) WHERE regexp_matches(id, $suspect, 'i') GROUP BY id ORDER BY id
"""
_SUSPECT = re.compile(SUSPECT, re.IGNORECASE)


def log_table(connection: DuckDBPyConnection, run_id: str) -> tuple[pa.Table, int]:
    """The run as a table, in its order, and how many of its texts held a secret that was blacked out."""
    bound = {"run": run_id, "effects_a_line": EFFECTS_A_LINE}
    table, secrets = without_secrets(connection.execute(_LOG, bound).to_arrow_table(), shown_ids(connection, run_id))
    if table["extra"].null_count == table.num_rows:
        table = table.drop_columns("extra")
    for name in [name for name in JSON_COLUMNS if name in table.column_names]:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, pa.field(name, pa.json_()), table[name].cast(pa.json_()))
    return table, secrets


def shown_ids(connection: DuckDBPyConnection, run_id: str) -> dict[str, str]:
    """What is shown for each id of the run in which a secret may be: of its events, of their causes and of its objects."""
    return blacked_out_ids(connection.execute(_IDS, {"run": run_id, "suspect": SUSPECT}).fetchall())


def without_secrets(table: pa.Table, ids: Mapping[str, str]) -> tuple[pa.Table, int]:
    """The table with every secret in a text of it blacked out, and in how many cells one was; `ids` are those of `shown_ids`."""
    found = 0
    for place, field in enumerate(table.schema):
        if not any(pc.any(pc.match_substring_regex(texts, SUSPECT, ignore_case=True)).as_py() for texts in _texts(table[place])):
            continue
        was = table[place].to_pylist()
        cleaned = [_cleaned(value, ids) for value in was]
        found += sum(before != after for before, after in zip(was, cleaned, strict=True))
        table = table.set_column(place, field, pa.array(cleaned, field.type))
    return table, found


def _texts(column: pa.ChunkedArray) -> Iterator[pa.ChunkedArray]:
    """Every text of a column, those within lists and structures too."""
    if pa.types.is_string(column.type):
        yield column
    elif pa.types.is_list(column.type):
        yield from _texts(pc.list_flatten(column))
    elif pa.types.is_struct(column.type):
        for index in range(column.type.num_fields):
            yield from _texts(pc.struct_field(column, index))


def _cleaned(value: Any, ids: Mapping[str, str]) -> Any:
    if not isinstance(value, str):
        return redacted(value, ids=ids)[0]
    return ids.get(value) or (redacted_json(value) if _SUSPECT.search(value) else value)
