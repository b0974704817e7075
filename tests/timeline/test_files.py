"""Files that leave the program: written whole, for their owner, and never where the log says."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.errors import StorageFailed, UsageError
from tests.house import ROOT
from tests.timeline.conftest import LOSE
from tests.timeline.tiny_replayer import record
from timeline.files import write_private, write_whole


def test_s3_file_of_a_log_is_for_its_owner_and_a_link_is_not_followed(tmp_path: Path):
    """What the link led to stays as it was; a rule file is for Prometheus to read."""
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "seed.json").symlink_to(tmp_path / "precious")
    write_private(tmp_path / "seed.json", "{}")
    write_whole(tmp_path / "rules.yml", "groups: []")
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "seed.json").is_symlink()
    assert stat.S_IMODE((tmp_path / "seed.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "rules.yml").stat().st_mode) & 0o444 == 0o444 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(("name", "error"), [("a\0b", UsageError), ("x" * 300, StorageFailed), ("no/such/folder/x", StorageFailed)])
def test_name_that_no_file_can_have_is_an_error_of_ours(tmp_path: Path, name: str, error: type[Exception]):
    with pytest.raises(error):
        write_private(tmp_path / name, "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.tools
def test_s3_no_name_in_a_log_becomes_the_name_of_a_file(tmp_path: Path):
    """Run and lease are called by paths that lead out; strace sees every file that is made, and all of them were asked for."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (inside / "log.jsonl").write_bytes(b"\n".join(record("../outside/run", [LOSE], {}, lease=f"{outside}/lease").lines) + b"\n")
    asked = ["export", "--run", "../outside/run", "-o", "s.json", "--parquet", "tables", "--ocel", "o.json", "--perfetto", "t.pftrace"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TIMELINE_DB": "t.duckdb"}
    program = [sys.executable, "-m", "timeline"]
    subprocess.run([*program, "ingest", "log.jsonl"], cwd=inside, env=environment, check=True, capture_output=True)
    calls = "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,symlink,link,linkat"
    traced = ["strace", "-f", "-o", "calls", "-e", f"trace={calls}", *program, *asked]
    subprocess.run(traced, cwd=inside, env=environment, check=True, capture_output=True)
    made = [
        Path(os.path.realpath(inside / name))
        for call in (inside / "calls").read_text().splitlines()
        if "O_CREAT" in call or not re.search(r"\bopen(at)?\(", call)
        for name in re.findall(r'"((?:[^"\\]|\\.)*)"', call)
    ]
    assert [path for path in made if not path.is_relative_to(inside) and not path.is_relative_to("/dev")] == []
    assert len([path for path in made if path.suffix == ".parquet"]) > 5
    assert list(outside.iterdir()) == []
    assert stat.S_IMODE((inside / "tables").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in [inside / "s.json", inside / "o.json", *(inside / "tables").iterdir()]} == {0o600}
