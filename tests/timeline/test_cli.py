"""The command line: one document where JSON was asked for, and text of events that no terminal obeys."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import timeline
from ingest.errors import UsageError
from tests.timeline.conftest import LOSE, NOISE, RUN, leaking
from tests.timeline.tiny_replayer import record
from timeline.cli import app
from timeline.terminal import folded, json_value

pytestmark = pytest.mark.usefixtures("tiny")

HOSTILE = (
    "a\x1b]0;title\x07\x1b[2J\x1b]52;c;aGk=\x07\x1b]8;;http://x\x07\x9b31m\r\n\x08\x7f\u202eb\u2066\u200b\ufeff\u2028[/red][bold]%s{0}"
)
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Terminal:
    """The program over one database."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def run(self, *arguments: str, code: int = 0) -> str:
        """Standard output, after a call that must end with `code`."""
        result = CliRunner().invoke(app, arguments, env={"TIMELINE_DB": str(self.database), "NO_COLOR": "1", "COLUMNS": "300"})
        assert result.exit_code == code, result.output
        assert not OBEYED.search(result.stdout + result.stderr)
        return result.stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The one document on standard output, which is plain ASCII."""
        out = self.run(*arguments, "--json", code=code)
        assert out.isascii()
        return json.loads(out)


def terminal_over(tmp_path: Path, lines: list[bytes]) -> Terminal:
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"".join(line + b"\n" for line in lines))
    made = Terminal(tmp_path / "timeline.duckdb")
    made.run("ingest", str(events))
    return made


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the leaking run and its database, models fresh; for copying."""
    folder = tmp_path_factory.mktemp("loaded")
    terminal_over(folder, leaking()).run("objects")
    return folder


@pytest.fixture
def terminal(tmp_path: Path, loaded: Path) -> Terminal:
    for name in ("events.jsonl", "timeline.duckdb"):
        shutil.copy(loaded / name, tmp_path)
    return Terminal(tmp_path / "timeline.duckdb")


def test_refused_lines_are_listed_shown_and_tried_again_and_none_is_obeyed(tmp_path: Path, leak: list[bytes]):
    """A hostile line is spelled out, in one line; what loads at the second attempt is gone from the list."""
    poor = json.loads(leak[0])
    del poor["run_id"]
    terminal = terminal_over(tmp_path, [*leak[1:], HOSTILE.replace("\n", "").encode(), json.dumps(poor).encode()])
    listed = terminal.json("rejected")
    assert [(line["number"], line["reason"]) for line in listed] == [(1, "not_json"), (2, "schema")]
    assert terminal.json("rejected", "--show", "1")["text"].startswith("a\x1b]0;title")
    shown = terminal.run("rejected", "--show", "1")
    assert "the line is not JSON" in shown
    assert len(shown.splitlines()) == 5
    assert "2 more" not in terminal.run("rejected", "--most", "1")
    assert terminal.json("rejected", "--retry", "--run", RUN)["events"] == 1
    assert [line["number"] for line in terminal.json("rejected")] == [1]
    for wrong in (["--show", "7"], ["--reason", "ugly"], ["--run", "x"], ["--show", "1", "--retry"]):
        terminal.run("rejected", *wrong, code=2)


def test_every_reading_command_prints_one_document_of_its_shape(terminal: Terminal, tmp_path: Path):
    """The keys that people's scripts rely on, command by command."""
    seed, small = str(tmp_path / "s.json"), str(tmp_path / "small.json")
    report = terminal.json("detect")
    finding = report["findings"][0]["finding_id"]
    assert list(report) == ["as_of", "detectors", "findings", "verdicts"]
    assert {"run_id", "kind", "id", "events", "first_us", "last_us", "state"} <= set(terminal.json("objects")[0])
    story = terminal.json("show", "lease/janitor")
    assert {"run_id", "kind", "id", "state", "decisions"} <= set(story)
    assert {"at_us", "event", "line", "seen"} == set(story["decisions"][0])
    assert list(terminal.json("state")) == ["run_id", "at_us", "leaders", "control_planes", "workers", "objects"]
    assert list(terminal.json("explain", finding)) == ["finding", "evidence", "chain", "missing_causes", "runbook", "commands"]
    assert terminal.json("sql", "SELECT 1 AS one, 'x' AS name") == [{"one": 1, "name": "x"}]
    exported = terminal.json("export", finding, "-o", seed)
    assert list(exported) == ["seed", "pytest", "fidelity", "bytes", "expected", "missing_inputs", "files"]
    replayed = ["fidelity", "equal", "digest", "expected_digest", "first_divergence", "findings", "missing_inputs"]
    assert list(terminal.json("replay", seed)) == replayed
    divergence = terminal.json("replay", seed, "--switch", "runs_once=off", code=7)["first_divergence"]
    assert list(divergence) == ["index", "at_us", "actor", "expected", "actual", "common"]
    assert list(terminal.json("shrink", seed, "-o", small)) == [
        "seed",
        "bytes",
        "runs",
        "faults_before",
        "faults",
        "switches",
        "length_us",
        "findings",
    ]
    assert list(terminal.json("diff", RUN, RUN)) == ["first_divergence", "changed", "findings"]
    assert {"version", "packages", "extras", "replayers", "database", "log", "trouble"} <= set(terminal.json("doctor"))
    assert "$defs" in json.loads(terminal.run("schema"))


def test_text_of_events_is_shown_and_never_obeyed(tmp_path: Path):
    """A lease, a run and a reason full of controls, bidi marks and markup, through every command that prints them."""
    run = f"run{HOSTILE}"
    lines = record(run, [LOSE], {"runs_once": True}, lease=HOSTILE).lines
    seed = str(tmp_path / "s.json")
    terminal = terminal_over(
        tmp_path, [line.replace(b'"reason":"lapsed"', b'"reason":%s' % json.dumps(HOSTILE).encode()) for line in lines]
    )
    finding = terminal.json("detect")["findings"][0]["finding_id"]
    shown = [
        terminal.run("objects"),
        terminal.run("show", f"lease/{HOSTILE}"),
        terminal.run("show", f"lease/{HOSTILE}x", code=2),
        terminal.run("show", "lease/a"),
        terminal.run("state", "--at", "+5s"),
        terminal.run("detect"),
        terminal.run("explain", finding),
        terminal.run("sql", "SELECT DISTINCT reason FROM event"),
        terminal.run("sql", f"SELECT {HOSTILE}", code=2),
        terminal.run("doctor"),
        terminal.run("export", finding, "-o", seed),
        terminal.run("replay", seed),
        terminal.run("replay", seed, "--switch", "runs_once=off", code=7),
        terminal.run("diff", run, run),
    ]
    for document in ["objects", "detect", "doctor"]:
        terminal.json(document)
    assert sum("[/red][bold]%s{0}" in text for text in shown) >= 8


def test_replay_writes_its_events_and_they_are_a_log_like_any_other(terminal: Terminal, tmp_path: Path):
    """The events of the fixed twin load as a run, and diff names what the fix changed."""
    seed, fixed = str(tmp_path / "s.json"), tmp_path / "fixed.jsonl"
    terminal.run("export", "--run", RUN, "-o", seed)
    terminal.run("replay", seed, "--switch", "runs_once=off", "-o", str(fixed), code=7)
    fixed.write_text(fixed.read_text().replace(f'"{RUN}"', '"fixed"'))
    terminal.run("ingest", str(fixed))
    answer = terminal.json("diff", RUN, "fixed")
    assert "lease.attempted" in answer["first_divergence"]["actual"]
    assert answer["findings"] == {"gone": ["election/lost_without_recontend control_plane/cp-1-a"], "new": [], "both": []}
    assert terminal.json("objects", "--run", "fixed", "--kind", "lease")[0]["id"] == "janitor"


def test_generated_test_passes_on_the_seed_it_was_exported_with(terminal: Terminal, tmp_path: Path):
    """What `export --pytest` writes is a test that runs as it stands."""
    seed, test = tmp_path / "s.json", tmp_path / "test_leak_comes_again.py"
    terminal.run("export", "--run", RUN, "-o", str(seed), "--pytest", str(test))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path / 'installed'}:{Path(__file__).parents[2]}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "-o", "s.json"],
        ["export", "abc", "--run", RUN, "-o", "s.json"],
        ["detect", "--param", "election/lost_without_recontend.x=1"],
        ["detect", "--param", "no equals sign"],
        ["detect", "--detector", "no/such"],
        ["detect", "--fail-on", "panic"],
        ["detect", "--as-of", "yesterday"],
        ["ingest", "--follow", "--strict", "no.jsonl"],
        ["state", "--at", "soon"],
        ["show", "lease"],
        ["explain", "nothing"],
        ["objects", "--run", "no such run"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(terminal: Terminal, arguments: list[str]):
    assert terminal.run(*arguments, code=2) == ""


def test_tables_in_a_pipe_are_never_cut(tmp_path: Path):
    """A run with a name of 200 characters is printed whole."""
    run = "r" * 200
    assert run in terminal_over(tmp_path, record(run, NOISE, {}).lines).run("objects")


def test_row_too_wide_for_its_terminal_is_folded_and_not_cut():
    """Every cell stands whole on some line; an empty one keeps its place, so that the headings still count."""
    row = ["cea5a1d92b8b", "critical", "", "x" * 30]
    assert folded(row, 27) == ["cea5a1d92b8b  critical  -", "    " + "x" * 30]
    assert folded(row, 80) == ["cea5a1d92b8b  critical  -  " + "x" * 30]


def test_help_is_whole_on_a_terminal_of_80_columns():
    """No summary of a command ends in dots, in the program or in the cluster."""
    for arguments in (["--help"], ["cluster", "--help"]):
        assert "..." not in CliRunner().invoke(app, arguments, env={"COLUMNS": "80"}).stdout.partition("Commands:")[2]


def test_examples_name_detectors_that_there_are(root: Path):
    """What an example says can be typed as it stands."""
    example = CliRunner().invoke(app, ["detect", "--help"]).stdout.partition("Example:")[2]
    named = re.findall(r"[a-z_]+/[a-z_]+", example)
    assert named
    assert all((root / f"timeline/detectors/{name}.sql").exists() for name in named)


def test_refused_query_says_why_in_one_line_and_without_a_drawing(terminal: Terminal):
    """The engine points at the place with lines below the query; on one line that is noise."""
    with timeline.open(terminal.database) as log:
        for query in ["selec 1", "select length(raw) from rejected_line", "select getenv('HOME')"]:
            with pytest.raises(UsageError, match=r"^answering [^\n]+: (Parser|Binder|Catalog) Error: [^\n]+$"):
                log.sql(query)


def test_refused_line_is_pointed_at_with_a_query_that_answers(tmp_path: Path):
    """Who reads that lines were refused is told how to see why, and that query works."""
    terminal, bad = Terminal(tmp_path / "timeline.duckdb"), tmp_path / "bad.jsonl"
    bad.write_text("no event\n")
    env = {"TIMELINE_DB": str(terminal.database)}
    told = CliRunner().invoke(app, ["ingest", str(bad)], env=env).stderr
    assert "not_json" in terminal.run(*shlex.split(told.partition("timeline ")[2]))


def test_log_of_somebody_else_is_told_about_plainly(tmp_path: Path):
    """No incarnation, no recording, one number missing: said in words, and no command is offered that cannot work."""
    lines = [
        b'{"event_id":"e%d","run_id":"r","time":"2026-01-01T00:00:0%dZ","actor":"binder/main","seq":%d,"kind":"pod.bound",'
        b'"subject":{"kind":"pod","id":"p"}}' % (seq, seq, seq)
        for seq in (1, 2, 4)
    ]
    terminal = terminal_over(tmp_path, lines)
    assert "events 3 to 3 of actor binder/main (unnamed process) are missing" in terminal.run("detect")
    assert "events 3 to 3 of binder/main are missing" in terminal.run("doctor")
    assert "timeline replay" not in terminal.run("export", "--run", "r", "-o", str(tmp_path / "s.json"))
    assert terminal.run("detect", "--as-of", "+1s").startswith("no findings\n")


def test_schema_is_json_of_either_form(terminal: Terminal):
    """The schema of an event is a document anyway; the tables are a list of statements."""
    assert "$defs" in terminal.json("schema")
    assert terminal.json("schema", "--ddl")[0].startswith("CREATE TABLE")


def test_help_of_the_program_lists_the_files_of_the_commands_folder(root: Path):
    """A command is a file; nothing is registered by hand."""
    listed = CliRunner().invoke(app, ["--help"]).stdout
    for path in (root / "timeline/commands").glob("[a-z]*.py"):
        assert f"\n  {path.stem} " in listed


def test_values_without_a_json_form_become_text_or_null():
    assert json_value([float("nan"), b"\xff", {1: None}, True]) == [None, "\\xff", {"1": None}, True]
