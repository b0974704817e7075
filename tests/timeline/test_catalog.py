"""The catalog finds, reads and orders .sql files; its errors name file and line and what to write."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from timeline import catalog
from timeline.catalog import CatalogError, Param

HEADER = """\
-- A title.
--
-- What it means,
-- in two lines.
--
-- A second paragraph.
--
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    path = write(folder, "bad", text)
    with pytest.raises(CatalogError) as error:
        catalog.read(folder)
    return str(error.value).replace(str(path), "bad.sql")


def test_the_path_is_the_name(tmp_path: Path):
    write(tmp_path, "warm_pool/leaked", HEADER + "SELECT 1 AS one")
    write(tmp_path, "gang/held", HEADER + "SELECT 1 AS one")
    assert list(catalog.read(tmp_path)) == ["gang/held", "warm_pool/leaked"]


def test_a_header_says_what_a_machine_cannot_know(tmp_path: Path):
    """Title, meaning, keys, parameters and columns; a value goes on in lines that are indented by two."""
    write(
        tmp_path,
        "leaked",
        HEADER
        + """\
-- severity: warning
-- impact: idle capacity is paid for,
--   and nobody notices
-- param grace_us: 30000000 time past the TTL before it counts
-- column ttl_us: the TTL in force
SELECT ttl_us FROM worker_write WHERE at_us > $grace_us
""",
    )
    query = catalog.read(tmp_path)["leaked"]
    assert (query.title, query.meaning) == ("A title.", "What it means, in two lines.\n\nA second paragraph.")
    assert query.fields == {"severity": "warning", "impact": "idle capacity is paid for, and nobody notices"}
    assert query.params == (Param("grace_us", 30_000_000, "time past the TTL before it counts"),)
    assert query.defaults == {"grace_us": 30_000_000}
    assert query.columns == {"ttl_us": "the TTL in force"}


@pytest.mark.parametrize(
    ("statement", "inputs"),
    [
        ("SELECT * FROM b JOIN a USING (run_id)", ("a", "b")),
        ("WITH c AS (SELECT * FROM a) SELECT * FROM c", ("a",)),
        ("WITH a AS (SELECT * FROM a) SELECT * FROM a", ("a",)),
        ("WITH c AS (SELECT * FROM a), d AS (SELECT * FROM c) SELECT * FROM d, b", ("a", "b")),
        ("SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.x = a.x)", ("a", "b")),
        ("SELECT x FROM a UNION ALL SELECT (SELECT max(x) FROM c) FROM b", ("a", "b", "c")),
        ("SELECT 'FROM z' AS x FROM a -- FROM y", ("a",)),
    ],
)
def test_inputs_come_from_the_parsed_tree(tmp_path: Path, statement: str, inputs: tuple[str, ...]):
    write(tmp_path, "query", HEADER + statement)
    assert catalog.read(tmp_path)["query"].inputs == inputs


def test_models_come_after_what_they_read(tmp_path: Path):
    write(tmp_path, "a", HEADER + "SELECT * FROM c")
    write(tmp_path, "b", HEADER + "SELECT * FROM event")
    write(tmp_path, "c", HEADER + "SELECT * FROM b JOIN d USING (run_id)")
    write(tmp_path, "d", HEADER + "SELECT * FROM event")
    assert [query.name for query in catalog.ordered(catalog.read(tmp_path))] == ["b", "d", "c", "a"]


def test_models_that_read_each_other_are_named(tmp_path: Path):
    write(tmp_path, "a", HEADER + "SELECT * FROM b")
    write(tmp_path, "b", HEADER + "SELECT * FROM c")
    write(tmp_path, "c", HEADER + "SELECT * FROM b")
    with pytest.raises(CatalogError, match=r"b\.sql:1: .* circle: b → c → b"):
        catalog.ordered(catalog.read(tmp_path))


def test_a_statement_that_does_not_parse_is_named_with_its_line(tmp_path: Path):
    assert refused(tmp_path, HEADER + "SELECT a,\n  b FROM FROM event\n").startswith("bad.sql:9: ")


def test_only_one_select_is_a_query(tmp_path: Path):
    assert "one SELECT" in refused(tmp_path, HEADER + "DELETE FROM event")
    assert "one SELECT" in refused(tmp_path, HEADER + "SELECT 1 AS a; SELECT 2 AS a")


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("SELECT 1 AS a", "bad.sql:1: begin with `-- <title, one line>`"),
        ("-- Only a title.\nSELECT 1 AS a", "bad.sql:1: begin with `-- <title, one line>`"),
        (HEADER + "-- sevrity: warning\nSELECT 1 AS a", "bad.sql:8: no key 'sevrity'"),
        (HEADER + "-- severity: warning\n-- severity: page\nSELECT 1 AS a", "bad.sql:9: key severity is here twice"),
        (HEADER + "-- severity: warning\n-- stray words\nSELECT 1 AS a", "bad.sql:9: 'stray words' is neither"),
        (HEADER + "-- param grace_us: soon\nSELECT $grace_us AS a", "bad.sql:8: param grace_us is 'soon'; write `-- param grace_us:"),
        (HEADER + "SELECT $grace_us AS a", "bad.sql:1: the header declares the parameters [] and the statement uses ['grace_us']"),
        (HEADER + "-- param grace_us: 5 idle\nSELECT 1 AS a", "bad.sql:1: the header declares the parameters ['grace_us'] and"),
    ],
)
def test_a_wrong_header_is_named_with_its_line_and_the_way_out(tmp_path: Path, header: str, complaint: str):
    assert refused(tmp_path, header).startswith(complaint)
