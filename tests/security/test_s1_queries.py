"""S1: a query that somebody wrote reads the tables and nothing else, for a bounded time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.database import Limits
from ingest.errors import UsageError
from timeline.api import Timeline

SCHEMA = "SELECT sql FROM duckdb_tables() ORDER BY sql"
HOSTILE_QUERIES = [
    "DROP TABLE event",
    "DELETE FROM event",
    "INSERT INTO touched_run VALUES ('x')",
    "SELECT 1; DROP TABLE event",
    "COPY event TO 'canary.csv'",
    "COPY (SELECT 1) TO 'canary.csv'",
    "ATTACH 'canary.duckdb'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "SET enable_external_access = true",
    "PRAGMA enable_profiling",
    "INSTALL httpfs",
    "LOAD httpfs",
    "EXPORT DATABASE 'canary'",
    "IMPORT DATABASE 'canary'",
    "CHECKPOINT",
    "CALL pragma_version()",
    "SELECT * FROM read_blob('https://example.org/')",
    "CREATE TABLE canary AS SELECT 1",
    "VACUUM",
]


def test_s1_query_changes_nothing_and_reaches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each is refused as a usage error; no file is read, none is made."""
    monkeypatch.chdir(tmp_path)
    with Timeline.in_memory() as log:
        before = log.sql(SCHEMA)
        for query in HOSTILE_QUERIES:
            with pytest.raises(UsageError):
                log.sql(query)
        assert log.sql(SCHEMA).equals(before)
    assert not list(tmp_path.glob("canary*"))


def test_s1_query_without_end_is_stopped():
    """It would read a million million rows."""
    with Timeline.in_memory() as log, pytest.raises(UsageError, match=r"longer than 0\.1 s"):
        log.sql("SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b WHERE a.range + b.range = -1", seconds=0.1)


def test_s1_no_extension_is_fetched_and_no_setting_is_open():
    """DuckDB would load an extension by itself where a query names a format or an address."""
    assert {name: Limits().config()[name] for name in ("autoinstall_known_extensions", "enable_external_access")} == {
        "autoinstall_known_extensions": "false",
        "enable_external_access": "false",
    }
    with Timeline.in_memory() as log:
        settings = dict(log.sql("SELECT name, value FROM duckdb_settings() ORDER BY name").iter_rows())
    closed = ("enable_external_access", "autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions")
    assert [settings[name] for name in (*closed, "lock_configuration")] == ["false", "false", "false", "false", "true"]
