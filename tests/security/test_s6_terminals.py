"""S6: text of an event is shown by a terminal and never obeyed, through every command that prints it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from timeline.cli import app

CONTROLS = [
    "\x1b]0;title\x07", "\x1b[2J", "\x1b[3J", "\x1b[H", "\x1b[10A", "\x1b[1000D", "\x1b[?1049h", "\x1b[31m", "\x1b[8m", "\x1bc", "\x1b(0",
    "\x1b]52;c;aGk=\x07", "\x1b]8;;http://127.0.0.1/\x1b\\x\x1b]8;;\x1b\\", "\x1b]1337;File=:AAAA\x07", "\x1bPq#0\x1b\\", "\x1b_G\x1b\\",
    "\x1b[5n", "\x1b[6n",
    "\x1b[c", "\x1b[>c", "\x1b]10;?\x07", "\x1b[21t", "\x1b\x1b", "\x9b31m", "\x9d0;t\x9c", "\x90q\x9c", "\x84", "\x85",
    "\r", "\r\n", "\n", "\x08\x08\x08", "\x0b", "\x0c", "\x07", "\x0e", "\x0f", "\x11", "\x13", "\x1a", "\x7f", "\x00",
    "\u202eevil\u202c", "\u202d", "\u2066x\u2069", "\u2067", "\u061c", "\u200b", "\u200d", "\u2060", "\ufeff", "\u2028", "\u2029", "\xad",
    "\ud800", "\U000e0041", "[/nope]", "[bold red]", "[link=http://127.0.0.1/]x[/link]", ":smile:",
]  # fmt: skip
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def lines() -> list[str]:
    """An event for each, which has it as subject, run-time value, reason, actor and key; then the same as a line that is no event."""
    told = []
    for number, text in enumerate(CONTROLS):
        said = text.replace("\x00", "\x01").replace("\ud800", "\ue000")  # those two load as nothing, and are tried as a line below
        event = {
            "event_id": f"e-{number}",
            "run_id": f"run{CONTROLS[0]}",
            "time": "2026-01-01T00:00:00Z",
            "actor": f"cp-1/{said}",
            "incarnation": "cp-1",
            "seq": number,
            "kind": "lease.lost",
            "subject": {"kind": "lease", "id": f"a{said}"},
            "refs": [{"role": "control_plane", "kind": "control_plane", "id": said or "x"}],
            "reason": said,
            "inputs": [{"source": "cache", "kind": "lease", "id": said or "x", "version": 1}],
            "data": {"holder": said, said or "x": {said or "x": [said]}},
        }
        told += [json.dumps(event), f"{text} no event".replace("\n", " ").replace("\r", " ")]
    return told


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "events.jsonl").write_bytes("".join(f"{line}\n" for line in lines()).encode("utf-8", "surrogatepass"))
    result = CliRunner().invoke(app, ["ingest", str(folder / "events.jsonl"), "--db", str(folder / "timeline.duckdb")])
    assert result.exit_code == 0
    assert not OBEYED.search(result.output)
    return folder / "timeline.duckdb"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (["objects"], 60),
        (["show", "lease/a[/nope]"], 2),
        (["state"], 0),
        (["state", "--at", "\x1b[2J"], 0),
        (["detect"], 0),
        (["detect", "--detector", "\x1b[2J"], 0),
        (["sql", "SELECT actor, reason, subject_id, data, inputs FROM event"], 60),
        (["rejected"], 40),
        (["rejected", "--show", "1"], 0),
        (["diff", f"run{CONTROLS[0]}", "\x1b[2J"], 0),
        (["doctor"], 0),
        (["explain", "\x1b[2J"], 0),
        (["why", "\x1b[2J"], 0),
        (["gauges"], 0),
        (["replay", "\x1b[2J"], 0),
        (["ingest", "\x1b[2J"], 0),
        (["\x1b[2J"], 0),
    ],
    ids=lambda value: " ".join(map(ascii, value)) if isinstance(value, list) else "",
)
def test_s6_nothing_that_is_printed_commands_the_terminal(database: Path, asked: list[str], names: int):
    """Sixty strings: titles, cleared screens, clipboards, links, queries of the terminal, reordered and hidden text, markup."""
    result = CliRunner().invoke(app, asked, env={"TIMELINE_DB": str(database), "COLUMNS": "80"})
    assert result.exit_code in {0, 2, 5, 6, 8}, result.output
    assert not OBEYED.search(result.stdout + result.stderr)
    assert sum(line.strip() != "" for line in result.stdout.splitlines()) >= names


def test_s6_every_string_can_be_read(database: Path):
    """Spelled out, not dropped: who looks at the log sees what was tried."""
    shown = CliRunner().invoke(app, ["sql", "SELECT reason FROM event"], env={"TIMELINE_DB": str(database)}).stdout
    for words in (
        "\\u001b]0;title\\u0007",
        "\\u001b]52;c;aGk=\\u0007",
        "\\u009b31m",
        "\\u202eevil\\u202c",
        "[/nope]",
        "[bold red]",
        ":smile:",
    ):
        assert words in shown
