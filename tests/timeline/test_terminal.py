"""What a person sees on a terminal: whole lines at any width, colour only where it is wanted, and a view that goes on."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

import timeline
from timeline.cli import app
from timeline.terminal import print_parts
from timeline.watch import CLEAR

RUN = "renew_blips-4+elector_runs_once"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SEVERAL = """
import sys
from typer.testing import CliRunner
from timeline.cli import app
for line in sys.argv[1:]:
    print("$", line, flush=True)
    app(line.split(), standalone_mode=False)
"""


class Screen:
    """A terminal of so many columns, with a program in it."""

    def __init__(self, columns: int, *program: str, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        wanted = {"TERM": "xterm-256color", **environment}
        variables = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "FORCE_COLOR"}}
        self.process = subprocess.Popen(
            [sys.executable, *program], stdin=theirs, stdout=theirs, stderr=theirs, env={**variables, **wanted}, start_new_session=True
        )
        os.close(theirs)

    def pieces(self) -> Iterator[str]:
        """What is written, until the program ends."""
        while True:
            try:
                piece = os.read(self._ours, 65536)
            except OSError:  # how Linux says that nobody writes any more
                break
            yield piece.decode(errors="replace")
        self.process.wait(timeout=60)
        os.close(self._ours)

    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces()).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster whose elector runs once: three findings."""
    folder = tmp_path_factory.mktemp("terminal")
    events, made = folder / "events.jsonl", folder / "timeline.duckdb"
    for arguments in (
        ["cluster", "simulate", "renew_blips", "--seed", "4", "--bug", "elector_runs_once", "-o", str(events)],
        ["ingest", str(events), "--db", str(made)],
    ):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    return made


@pytest.fixture(scope="module")
def questions(database: Path) -> list[str]:
    """Each command that tells a person something, about that database."""
    with timeline.open(database) as log:
        finding = log.detect().findings[0].finding_id
    asked = ["objects", "show lease/janitor", "show lease/janitor --brief", "state", "detect", f"explain {finding}", "why session/s-1"]
    return [f"{question} --db {database}" for question in asked]


@pytest.fixture(scope="module")
def piped(questions: list[str]) -> str:
    """What a pipe gets, on a terminal that has colours."""
    return "".join(f"$ {line}\n{CliRunner().invoke(app, line.split(), env={'TERM': 'xterm-256color'}).stdout}" for line in questions)


@pytest.mark.parametrize("columns", [80, 200])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(questions: list[str], piped: str, columns: int):
    """What is too wide goes on below, indented; all words of what a pipe gets are there, in the same order."""
    shown = Screen(columns, "-c", SEVERAL, *questions).text()
    plain = COLOUR.sub("", shown)
    lines = [line for line in plain.split("\n") if not line.startswith("$ ")]
    assert [line for line in lines if cell_len(line) > columns] == []
    assert COLOUR.search(shown)
    assert "\x1b" not in plain
    assert [word for word in plain.split() if word != "-"] == [word for word in piped.split() if word != "-"]


def test_who_wants_no_colour_gets_none(questions: list[str], piped: str):
    """NO_COLOR on a terminal; a pipe never has any."""
    assert not COLOUR.search(Screen(80, "-c", SEVERAL, *questions, NO_COLOR="1").text())
    assert not COLOUR.search(piped)


def test_watching_prints_again_what_has_changed_meanwhile(database: Path, tmp_path: Path):
    """The screen is cleared before each turn; a run that comes in is there at a later one; Ctrl-C ends it."""
    own, late = tmp_path / "own.duckdb", tmp_path / "late.jsonl"
    own.write_bytes(database.read_bytes())
    late.write_text((database.parent / "events.jsonl").read_text().replace(RUN, "late"))
    screen = Screen(80, "-m", "timeline", "objects", "--db", str(own), "--watch", "0.2")
    seen = ""
    for piece in screen.pieces():
        if RUN in piece and RUN not in seen:
            assert CliRunner().invoke(app, ["ingest", str(late), "--db", str(own)]).exit_code == 0
        if "run late" in COLOUR.sub("", piece) and "run late" not in seen:
            screen.process.send_signal(signal.SIGINT)
        seen += COLOUR.sub("", piece)
    assert CLEAR in seen.partition("run late")[0].partition(RUN)[2]
    assert screen.process.returncode == 130


def test_text_of_an_event_has_no_colour_of_its_own(capsys: pytest.CaptureFixture[str]):
    """Markup and escape sequences in it are words."""
    print_parts("a ", ("[bold]b[/bold] \x1b[31mc", "bad"), hang=4)
    assert capsys.readouterr().out == "a [bold]b[/bold] \\u001b[31mc\n"


def test_a_shell_completes_commands_options_and_detectors():
    """As zsh, bash and fish ask for it."""

    def completed(line: str) -> set[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_TIMELINE_COMPLETE": "complete_bash"}
        return set(CliRunner().invoke(app, [], env=words, prog_name="timeline").stdout.split())

    assert {"detect", "demo", "diff", "doctor"} <= completed("timeline d")
    assert "--detector" in completed("timeline detect --det")
    assert completed("timeline detect --detector warm_pool/stale") == {"warm_pool/stale_hot_idle"}
