"""S17: of a sealed log every line that was changed, dropped, swapped or put in is named by its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest.chunks import RAW_BYTES_MAX
from ingest.emit import Emitter, FileSink, SealedSink
from ingest.load import load
from ingest.strict import LINE_BYTES_MAX
from ingest.verify import Verified, verify
from timeline.blank import blank
from timeline.cli import app

KEY = b"a key that only the recorder has"


def sealed(folder: Path, key: bytes = KEY) -> Path:
    """Twelve events of two components, in turn."""
    path = folder / "events.jsonl"
    with Emitter(SealedSink(FileSink(path), key=key), run_id="run", actor="cp-1/janitor", incarnation="cp-1-a") as emitter:
        for number in range(12):
            emitter.emit("worker.swept", f"worker/w-{number}", component="janitor" if number % 2 else "reaper", data={"n": number})
    return path


def flip(lines: list[bytes]) -> None:
    lines[4] = lines[4].replace(b'"n":4', b'"n":5')


def drop(lines: list[bytes]) -> None:
    del lines[4]


def swap(lines: list[bytes]) -> None:
    lines[4], lines[6] = lines[6], lines[4]


def put_in(lines: list[bytes]) -> None:
    lines.insert(4, lines[4].replace(b"w-4", b"w-x"))


def put_in_unsealed(lines: list[bytes]) -> None:
    lines.insert(4, lines[4][: lines[4].index(b',"seal"')] + b"}\n")


def put_before_the_first(lines: list[bytes]) -> None:
    lines.insert(0, lines[4][: lines[4].index(b',"seal"')] + b"}\n")


@pytest.mark.parametrize(
    ("change", "line"),
    [(flip, 5), (drop, 6), (swap, 5), (put_in, 5), (put_in_unsealed, 5), (put_before_the_first, 1)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_s17_first_line_that_is_not_as_it_was_is_named(change: Callable[[list[bytes]], None], line: int, tmp_path: Path):
    """The place is the line itself, or where it was dropped the next one of the same stream; other streams hold."""
    path = sealed(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))
    found = verify([path], KEY)
    assert [(one.line, one.offset, one.actor) for one in found.broken] == [(line, sum(map(len, lines[: line - 1])), "cp-1/reaper")]


def test_s17_untouched_log_holds_whole_and_rotated(tmp_path: Path):
    """Also in two files, in their order; without the first of them the rest holds, and what is missing is said."""
    path = sealed(tmp_path)
    assert verify([path], KEY) == Verified(lines=12, sealed=12, streams=2)
    lines = path.read_bytes().splitlines(keepends=True)
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_bytes(b"".join(lines[:5]))
    new.write_bytes(b"".join(lines[5:]))
    assert verify([old, new], KEY).broken == []
    assert (verify([new], KEY).begun_late, verify([new], KEY).broken) == (["cp-1/janitor", "cp-1/reaper"], [])


def test_s17_who_does_not_have_the_key_cannot_seal(tmp_path: Path):
    """A chain that was made anew without the key breaks at its first line."""
    assert [one.line for one in verify([sealed(tmp_path, key=b"")], KEY).broken] == [1, 2]


def test_s17_line_that_is_too_long_to_be_read_is_held_for_none_whatever_it_begins_with(tmp_path: Path):
    """A sealed line that was made so long that it does not load: the next one of its stream does not follow from what is there."""
    path = sealed(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].rstrip().ljust(RAW_BYTES_MAX) + b"x" * LINE_BYTES_MAX + b"\n"
    path.write_bytes(b"".join(lines))
    assert [one.line for one in verify([path], KEY).broken] == [7]


def test_s17_key_may_be_read_from_its_file_with_the_line_end_that_it_has_there(tmp_path: Path):
    """As who seals reads it and as `timeline verify` reads it; one that holds nothing is none by mistake."""
    path, key = sealed(tmp_path, key=KEY + b"\n"), tmp_path / "log.key"
    key.write_bytes(KEY + b"\n")
    assert CliRunner().invoke(app, ["verify", str(path), "--key-file", str(key)]).exit_code == 0
    key.write_bytes(b"\n")
    assert CliRunner().invoke(app, ["verify", str(path), "--key-file", str(key)]).exit_code == 2
    with pytest.raises(ValueError, match="the key holds nothing"):
        SealedSink(FileSink(path), key=b"\n")


def test_s17_sealed_log_loads_and_the_command_ends_with_what_it_found(tmp_path: Path):
    """0 where all holds, 3 where a chain is broken or nothing is sealed."""
    path, key = sealed(tmp_path), tmp_path / "log.key"
    key.write_bytes(KEY + b"\n")
    assert load(blank(), [str(path)]).events == 12
    asked = ["verify", str(path), "--key-file", str(key), "--json"]
    assert json.loads(CliRunner().invoke(app, asked).stdout)["sealed"] == 12
    path.write_bytes(path.read_bytes().replace(b'"n":4', b'"n":5'))
    broken = CliRunner().invoke(app, asked[:-1])
    assert broken.exit_code == 3
    assert f"{path}:5 (byte " in broken.stdout.replace("\n", "")
    path.write_text("{}\n")
    assert CliRunner().invoke(app, asked).exit_code == 3
