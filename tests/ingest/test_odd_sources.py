"""Sources that are no plain files: each is told about by name, none keeps the reader waiting, and the others load."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.errors import StorageFailed, UsageError
from ingest.in_memory import open_in_memory
from ingest.load import load
from ingest.reading import Progress
from tests.ingest.following import follower_of, known
from tests.ingest.harm import missing
from tests.ingest.lines import line, lines, write


def listening(path: Path) -> None:
    """A socket in the file system."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def device(path: Path) -> None:
    """A device that would never end."""
    try:
        os.mknod(path, 0o20666, os.makedev(1, 5))
    except PermissionError:
        missing("no right to make a device")


def dangling(path: Path) -> None:
    """A link to nothing."""
    path.symlink_to(path.with_name("nowhere"))


def link_to_a_pipe(path: Path) -> None:
    """A link to what nobody writes to."""
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to(path.with_name("pipe"))


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": listening,
    "device": device,
    "dangling link": dangling,
    "link to itself": lambda path: path.symlink_to(path),
    "link to a pipe": link_to_a_pipe,
}


@pytest.mark.fault("A15")
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("follows", [False, True], ids=["read", "followed"])
def test_an_odd_source_is_told_about_and_the_others_load(kind: str, follows: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named on the command line, or met in a folder, where it is passed over."""
    monkeypatch.chdir(tmp_path)  # the name of a socket may not be long
    odd, good = tmp_path / "odd.jsonl", write(tmp_path / "good.jsonl", line(1))
    ODD[kind](Path("odd.jsonl") if kind == "socket" else odd)
    with open_in_memory() as database:
        if follows:
            follower = follower_of(database, odd, good)
            follower.poll()
            follower.close()
        else:
            report = load(database, [odd, good])
            with pytest.raises(StorageFailed, match=r"odd\.jsonl"):
                report.check()
            assert load(database, [tmp_path]).unreadable == []
        assert known(database) == [1]


@pytest.mark.fault("A15")
def test_a_file_that_is_removed_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    """It is open; that it has no name any more changes nothing."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(lines(50))

    def remove(_: Progress) -> None:
        path.unlink(missing_ok=True)

    with open_in_memory() as database:
        report = load(database, [path], chunk_bytes=5000, on_progress=remove)
        assert (report.events, report.unreadable) == (50, [])


@pytest.mark.fault("B11")
@pytest.mark.parametrize("end", ["", ".wal", ".lock", ".new"])
def test_the_files_of_the_database_are_no_sources(end: str, tmp_path: Path, database: Path) -> None:
    """Named or matched by a glob, it is a usage error; in a folder they are passed over."""
    own = database.with_name(database.name + end)
    own.touch()
    with open_in_memory() as opened:
        opened.path = database
        for source in (own, f"{own}*"):
            with pytest.raises(UsageError, match="the database itself"):
                load(opened, [source])
        assert load(opened, [tmp_path]).files == 0
        opened.path = None
