"""A signal whose exception nobody heard ends the program all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT
from tests.ingest.lines import lines, write

LOST = """
import os, signal, sys
from timeline import cli, signals
class Heard:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000): pass
signals.listen()
Heard()
sys.stderr.write("goes on\\n")
cli.main()
"""


@pytest.mark.fault("A5")
@pytest.mark.parametrize("words", ["ingest events.jsonl", "ingest --follow events.jsonl", "serve --listen 127.0.0.1:0"])
def test_a_signal_that_python_drops_ends_what_works_for_long(words: str, tmp_path: Path) -> None:
    """Python drops what is raised in a `__del__`: a server was seen to start and to stay."""
    write(tmp_path / "events.jsonl", lines(1))
    command = [sys.executable, "-c", LOST, *words.split(), "--db", "log.duckdb"]
    ended = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False)
    assert "goes on\n" in ended.stderr
    assert (ended.returncode, ended.stdout) == (143, "")
