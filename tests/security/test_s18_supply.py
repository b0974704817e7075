"""S18, S19: what we stand on is pinned by hash, nothing is fetched at run time, and nothing needs root."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

LOOP = """
import sys
from timeline.cli import app
for line in (
    "cluster simulate renew_blips --seed 4 --bug elector_runs_once -o events.jsonl",
    "ingest events.jsonl",
    "detect",
    "export --run renew_blips-4+elector_runs_once -o s.seed.json",
    "replay s.seed.json",
):
    code = app(line.split(), standalone_mode=False)
    if code:
        sys.exit(code)
"""


def loop(folder: Path, *before: str) -> subprocess.CompletedProcess[str]:
    """Simulate, load, judge, export and replay, in a process that `before` starts."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(folder)}
    environment.pop("TIMELINE_DB", None)
    return subprocess.run(
        [*before, sys.executable, "-c", LOOP], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_s18_every_package_is_pinned_by_version_and_hash(root: Path):
    """And no line says where it is to be had."""
    lock = (root / "requirements.lock").read_text()
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert "://" not in lock


@pytest.mark.tools
def test_s18_the_whole_loop_needs_no_network(tmp_path: Path):
    """In a namespace whose only device is a loopback that is down."""
    done = loop(tmp_path, "unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net")
    assert done.returncode == 0, done.stderr
    assert "equal" in done.stdout


@pytest.mark.tools
def test_s19_the_whole_loop_needs_no_rights():
    """As nobody, with no group and no capability, in a folder that anybody may write."""
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--no-new-privs"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        done = loop(Path(folder), *drop)
    assert done.returncode == 0, done.stderr
    assert "equal" in done.stdout
