"""Who reads a database that is served: notebooks in the same process, commands of another one."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import timeline
from ingest.database import open_for_write
from ingest.errors import DatabaseBusy, UsageError
from tests.serve.conftest import TOKEN, Client, eventually, served
from timeline.api import Timeline
from timeline.cli import app
from timeline.pages.opening import Given, opening
from timeline.replays import recorded_stream


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, leak: list[bytes]):
    """A server that has the whole leak, and has refreshed."""
    with served(tmp_path_factory.mktemp("readers") / "served.duckdb") as client:
        client.ask("/events", b"".join(leak))
        eventually(lambda: b"timeline_findings{" in client.ask("/metrics").body)
        yield client


@pytest.fixture
def run(client: Client, monkeypatch: pytest.MonkeyPatch):
    """The command line, reading through the server."""
    monkeypatch.setenv("TIMELINE_TOKEN", TOKEN)

    def ran(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--db", f"http://127.0.0.1:{client.port}"])

    return ran


def test_a_command_answers_through_the_server_what_it_answers_on_the_file(run, leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        report = log.detect().model_dump(mode="json")
    assert json.loads(run("detect", "--json").stdout) == report


def test_a_reader_is_told_how_old_it_is_what_he_reads(run, client: Client):
    """On standard error, in one line: what is printed is as it would be from the file."""
    told = run("objects").stderr
    assert re.fullmatch(rf"http://127\.0\.0\.1:{client.port}: as it was last refreshed, \d+ s ago\n", told)


def test_commands_that_need_no_models_read_through_the_server_too(run, client: Client):
    """Which lines were refused, whether the database is sound, and what was recorded of a run."""
    assert run("rejected").stdout == "no line was refused\n"
    assert f"database http://127.0.0.1:{client.port}: can be read" in run("doctor").stdout
    with recorded_stream(Path(f"http://127.0.0.1:{client.port}"), "demo") as stream:
        assert stream is not None


def test_s9_another_server_that_says_yes_is_not_believed(run, client: Client, monkeypatch: pytest.MonkeyPatch):
    """A page of ours in the place of the database: it says nothing of its age, and is not opened."""
    monkeypatch.setattr("timeline.remote.PATH", "/metrics")
    refused = run("objects")
    assert (refused.exit_code, "no timeline serve answers there" in refused.stderr) == (9, True)


def test_a_notebook_is_opened_at_the_server_itself(run):
    refused = run("notebook")
    assert (refused.exit_code, "open that address in a browser" in refused.stderr) == (2, True)


def test_a_seed_is_written_where_it_was_asked_for(run, tmp_path: Path):
    assert run("export", "--run", "demo", "-o", str(tmp_path / "seed.json")).exit_code == 0
    assert json.loads((tmp_path / "seed.json").read_text())["origin"]["run_id"] == "demo"


def test_s1_a_query_of_a_user_runs_in_the_users_process(run):
    """No query reaches the process that writes; the copy is read-only and shut off from files."""
    assert json.loads(run("sql", "SELECT count(*) > 0 AS some FROM event", "--json").stdout) == [{"some": True}]
    assert run("sql", "SELECT * FROM read_text('/etc/hostname')").exit_code == 2
    assert run("sql", "DELETE FROM event").exit_code == 2


def test_without_the_token_nothing_is_read(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TIMELINE_TOKEN", "wrong")
    refused = run("objects")
    assert refused.exit_code == 2
    assert "TIMELINE_TOKEN" in refused.stderr


def test_nobody_there_is_said_with_its_own_exit_code():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # and nobody listens
        nobody = CliRunner().invoke(app, ["objects", "--db", f"http://127.0.0.1:{listener.getsockname()[1]}"])
    assert (nobody.exit_code, "is `timeline serve` running there?" in nobody.stderr) == (9, True)


def test_who_finds_the_database_busy_is_told_where_to_read_it(client: Client):
    with pytest.raises(DatabaseBusy, match=rf"serves it at http://127.0.0.1:{client.port}: read it with --db http"):
        open_for_write(client.owner.path, lock_timeout_seconds=0.0)


def test_a_served_database_is_not_written_from_elsewhere(client: Client):
    with pytest.raises(UsageError, match="POST /events"):
        open_for_write(Path(f"http://127.0.0.1:{client.port}"))


def test_a_notebook_goes_on_reading_what_it_opened_while_newer_copies_come_and_go(client: Client, leak: list[bytes]):
    """A view stays as it was; copies that nobody opens any more are removed."""
    with timeline.open(client.owner.path) as before:
        events = before.runs()["events"].sum()
        refreshes = client.owner.refresher.count
        client.ask("/events?run=again", b"".join(leak).replace(b'"run_id":"demo",', b""))
        eventually(lambda: client.owner.refresher.count > refreshes)
        with timeline.open(client.owner.path) as after:
            assert sorted(after.runs()["run_id"]) == ["again", "demo"]
            assert before.runs()["events"].sum() == events
    copies = sorted(client.owner.path.with_name("served.duckdb.snapshots").glob("*.duckdb"))
    assert len(copies) == 1


def test_a_notebook_opens_the_database_inside_the_process_that_serves_it(client: Client):
    """By its path, as it would anywhere; what it reads is the copy."""
    with opening(Given(str(client.owner.path))).log as log:
        assert any("nobody held the lease janitor" in finding.says for finding in log.detect().findings)


@pytest.mark.parametrize("before", ["mine.duckdb", None])
def test_a_server_that_has_ended_leaves_the_usual_database_as_it_was(before: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its pages find theirs by the same variable as every command, and only while it runs."""
    monkeypatch.delenv("TIMELINE_DB", raising=False)
    if before:
        monkeypatch.setenv("TIMELINE_DB", before)
    with served(database := tmp_path / "served.duckdb", notebooks=True):
        assert os.environ["TIMELINE_DB"] == str(database)
    assert os.environ.get("TIMELINE_DB") == before
