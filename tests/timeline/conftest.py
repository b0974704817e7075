"""A recorded run of the tiny control plane, and its replayer installed as anybody's would be: by an entry point."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.timeline.tiny_replayer import SECOND, record

LOSE = {"name": "lose_lease", "at_us": 60 * SECOND}
NOISE = [{"name": "noise", "at_us": at_s * SECOND} for at_s in (11, 22, 33, 77, 88, 111)]
RUN = "tiny-1"


def install(folder: Path, entry_points: str) -> None:
    """Make `folder`, once it is on the path, an installed distribution with those entry points."""
    metadata = folder / "tiny-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny replayer is installed."""
    folder = tmp_path / "installed"
    folder.mkdir()
    install(folder, "[timeline.replayers]\ntiny = tests.timeline.tiny_replayer:REPLAYER\n")
    monkeypatch.syspath_prepend(str(folder))


def leaking() -> list[bytes]:
    """The lines of a run that lost its lease at 60 s and, with the planted bug on, never stood again; and some noise."""
    return record(RUN, [*NOISE[:3], LOSE, *NOISE[3:]], {"runs_once": True}).lines


@pytest.fixture
def leak() -> list[bytes]:
    """The same, for a test of its own."""
    return leaking()


@pytest.fixture
def events(tmp_path: Path, leak: list[bytes]) -> Path:
    """The same as an event file."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in leak))
    return path
