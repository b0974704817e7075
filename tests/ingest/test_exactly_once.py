"""Exactly once: copies, packed copies, torn lines, conflicts, resumption; and the accounting closes every time."""

from __future__ import annotations

import gzip
import io
import itertools
import sys
from pathlib import Path

import pytest
import zstandard

from ingest.chunks import CHUNK_BYTES
from ingest.database import Database, open_for_write
from ingest.errors import InputRejected, StorageFailed, UsageError
from ingest.in_memory import open_in_memory
from ingest.load import Report, load
from tests.ingest.lines import PARKED, line, lines, rows, write

EVERYTHING = "SELECT * EXCLUDE (event_no, file_id, byte_offset) FROM event ORDER BY run_id, event_id, content_hash"


def closes(report: Report) -> bool:
    """Whether every line became exactly one thing."""
    return report.lines == report.events + report.duplicates + report.conflicts + report.quarantined + report.blank + report.pending


def count(database: Database, table: str = "event") -> int:
    return int(rows(database.connection, f"SELECT count(*) AS n FROM {table}")[0]["n"])


def test_the_same_file_twice_a_copy_and_packed_copies_add_nothing(tmp_path: Path) -> None:
    """Identity is the event's, not the file's."""
    text = lines(40) + b"not json\n"
    (tmp_path / "log.jsonl").write_bytes(text)
    (tmp_path / "copy.jsonl").write_bytes(text)
    (tmp_path / "copy.jsonl.gz").write_bytes(gzip.compress(text))
    (tmp_path / "copy.jsonl.zst").write_bytes(zstandard.compress(text))
    with open_in_memory() as database:
        first = load(database, [tmp_path / "log.jsonl"])
        assert (first.lines, first.events, first.duplicates, first.quarantined) == (41, 40, 0, 1)
        for name in ("log.jsonl", "copy.jsonl", "copy.jsonl.gz", "copy.jsonl.zst", "copy.jsonl.zst"):
            again = load(database, [tmp_path / name])
            assert (again.lines, again.events, again.duplicates, again.quarantined) == (41, 0, 40, 1), name
            assert closes(again)
        assert (count(database), count(database, "event_object"), count(database, "worker_parked")) == (40, 80, 40)
        assert count(database, "rejected_line") == 1  # a copy is known by its content, packed or not


def test_content_does_not_depend_on_chunks_order_or_packing(tmp_path: Path) -> None:
    """Splitting, permuting and repeating files gives the same rows."""
    halves = [write(tmp_path / f"{name}.jsonl", *map(line, numbers)) for name, numbers in (("a", range(1, 30)), ("b", range(20, 60)))]
    contents = []
    for order, chunk_bytes in itertools.product(([0, 1], [1, 0], [1, 0, 1]), (700, CHUNK_BYTES)):
        with open_in_memory() as database:
            report = load(database, [halves[place] for place in order], chunk_bytes=chunk_bytes)
            assert report.events == 59
            contents.append(rows(database.connection, EVERYTHING))
    assert all(content == contents[0] for content in contents)


def test_conflicting_contents_are_both_kept_and_marked_whatever_the_order(tmp_path: Path) -> None:
    """The same id with other content: neither wins, in one file or in two, and a copy of either is a duplicate."""
    one, other, third = line(1), line(1, outcome="unknown"), line(1, outcome="failed")
    for order in itertools.permutations([one, other, third]):
        with open_in_memory() as database:
            together = load(database, [write(tmp_path / "together.jsonl", *order, line(2))])
            assert (together.events, together.conflicts) == (2, 2)
            again = load(database, [write(tmp_path / "again.jsonl", *reversed(order))])
            assert (again.events, again.duplicates, again.conflicts) == (0, 3, 0)
            marks = "SELECT outcome, is_conflict FROM event ORDER BY seq, outcome"
            marked = [("committed", True), ("failed", True), ("unknown", True), ("committed", False)]
            assert [tuple(row.values()) for row in rows(database.connection, marks)] == marked
    with open_in_memory() as database:
        for number, content in enumerate([one, other, third]):
            load(database, [write(tmp_path / f"apart-{number}.jsonl", content)])
        assert [row["is_conflict"] for row in rows(database.connection, "FROM event")] == [True, True, True]


def test_a_torn_last_line_waits_and_loads_once_at_every_cut(tmp_path: Path) -> None:
    """Wherever the last line is cut, it is pending, and completed it loads once."""
    path, whole = tmp_path / "log.jsonl", lines(2)
    start = whole.index(b"\n") + 1
    with open_in_memory() as database:
        for cut in range(start, len(whole) - 1, 7):
            path.write_bytes(whole[:cut])
            torn = load(database, [path])
            assert (torn.pending, torn.lines, torn.quarantined) == (int(cut > start), 1 + int(cut > start), 0)
        path.write_bytes(whole)
        completed = load(database, [path])
        assert (completed.events, completed.duplicates, completed.pending) == (1, 1, 0)
        assert count(database) == 2


@pytest.mark.parametrize("tail", [b"no event", b"[1, 2", b"\xff"])
def test_a_last_line_that_no_more_text_makes_an_event_is_refused_at_once(tail: bytes, tmp_path: Path) -> None:
    """An event begins with a brace. What begins otherwise waits for nothing, so that --strict sees it."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(lines(1) + tail)
    with open_in_memory() as database:
        report = load(database, [path])
        assert (report.lines, report.events, report.quarantined, report.pending) == (2, 1, 1, 0)
        assert [(row["line_no"], row["raw"]) for row in rows(database.connection, "FROM rejected_line")] == [(2, tail)]
        again = load(database, [path])
        assert (again.quarantined, again.duplicates) == (1, 1)


def test_a_last_line_that_is_whole_needs_no_line_end(tmp_path: Path) -> None:
    """Many writers leave the last line end out; the event is complete all the same."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(lines(2)[:-1])
    with open_in_memory() as database:
        report = load(database, [path])
        assert (report.lines, report.events, report.pending) == (2, 2, 0)
        path.write_bytes(lines(3))
        grown = load(database, [path])
        assert (grown.events, grown.duplicates) == (1, 2)
        assert closes(grown)


def test_a_grown_file_is_read_on_and_a_rewritten_one_from_its_start(tmp_path: Path) -> None:
    """Resuming needs the same head and the same bytes before the offset; the ledger tells which it was."""
    path = tmp_path / "log.jsonl"
    with open_in_memory() as database:
        path.write_bytes(lines(10))
        load(database, [path])
        path.write_bytes(lines(15))
        grown = load(database, [path])
        assert (grown.lines, grown.events, grown.duplicates) == (15, 5, 10)
        path.write_bytes(b"".join(line(number) + b"\n" for number in range(11, 40)))
        rewritten = load(database, [path])
        assert (rewritten.lines, rewritten.events, rewritten.duplicates) == (29, 24, 5)
        assert closes(rewritten)
        _, entry = rows(database.connection, "FROM ingest_file ORDER BY file_id")  # what it was before, and what it is
        assert (entry["offset_bytes"], entry["disk_bytes"]) == (path.stat().st_size, path.stat().st_size)


def test_blank_lines_ends_and_a_byte_order_mark_are_harmless(tmp_path: Path) -> None:
    """A BOM is skipped, blank lines are counted, CRLF ends a line; offsets stay those of the file."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line(1) + b"\r\n\r\n  \n\n" + line(2) + b"\r\n")
    with open_in_memory() as database:
        report = load(database, [path])
        assert (report.lines, report.events, report.blank, report.quarantined) == (5, 2, 3, 0)
        offsets = [row["byte_offset"] for row in rows(database.connection, "SELECT byte_offset FROM event ORDER BY event_no")]
        assert [path.read_bytes()[offset:][:10] for offset in offsets] == [line(1)[:10], line(2)[:10]]


@pytest.mark.parametrize("chunk_bytes", [1, 50, 333, 1000])
def test_offsets_and_numbers_are_right_in_every_chunk(chunk_bytes: int, tmp_path: Path) -> None:
    """A place in rejected_line can be looked up in the file, wherever the chunks were cut."""
    contents = [b"bad %d" % number if number % 3 == 0 else line(number) for number in range(30)]
    path = write(tmp_path / "log.jsonl", *contents)
    with open_in_memory() as database:
        assert load(database, [path], chunk_bytes=chunk_bytes).quarantined == 10
        for row in rows(database.connection, "FROM rejected_line"):
            assert path.read_bytes()[row["byte_offset"] :][: row["byte_length"]] == row["raw"] == contents[row["line_no"] - 1]


def test_a_line_longer_than_any_chunk_is_skipped_and_told_about(tmp_path: Path) -> None:
    """Memory is bounded by the chunk, not by the line; the next line loads."""
    huge = b'{"x": "' + b"y" * 3_000_000 + b'"}'
    path = write(tmp_path / "log.jsonl", line(1), huge, line(2))
    with open_in_memory() as database:
        report = load(database, [path], chunk_bytes=100_000)
        (kept,) = rows(database.connection, "FROM rejected_line")
        assert (report.events, kept["reason"], kept["byte_length"], kept["line_no"]) == (2, "line_too_long", len(huge), 2)
        assert len(kept["raw"]) == 64 * 1024


def test_both_members_of_a_packed_file_load(tmp_path: Path) -> None:
    """gzip and zstd files may be glued together."""
    for pack, name in ((gzip.compress, "a.gz"), (zstandard.compress, "a.zst")):
        (tmp_path / name).write_bytes(pack(lines(3)) + pack(line(4) + b"\n"))
        with open_in_memory() as database:
            assert load(database, [tmp_path / name]).events == 4


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_cut_packed_file_gives_what_it_holds_and_says_that_it_is_cut(pack: object, tmp_path: Path) -> None:
    """What was decoded loads; the rest is one rejected line, and reading again doubles neither."""
    packed = pack(lines(2000))  # type: ignore[operator]  # both pack bytes to bytes
    (tmp_path / "log.packed").write_bytes(packed[: len(packed) // 2])
    with open_in_memory() as database:
        report = load(database, [tmp_path / "log.packed"])
        assert 0 <= report.events < 2000
        assert report.quarantined == 1
        assert closes(report)
        assert [row["reason"] for row in rows(database.connection, "FROM rejected_line")] == ["compressed"]
        assert load(database, [tmp_path / "log.packed"]).events == 0
        assert count(database, "rejected_line") == 1


def test_a_packed_bomb_is_cut_off(tmp_path: Path) -> None:
    """Unpacking stops at the ratio and not at the end of memory."""
    (tmp_path / "bomb.zst").write_bytes(zstandard.compress(b"\n" * 200_000_000))
    with open_in_memory() as database:
        report = load(database, [tmp_path / "bomb.zst"])
        assert (report.events, report.quarantined) == (0, 1)
        assert report.blank < 50_000_000


def test_a_file_in_another_encoding_is_refused_once(tmp_path: Path) -> None:
    """UTF-16 is no thousand broken lines, it is one broken file."""
    (tmp_path / "log.jsonl").write_bytes(lines(5).decode().encode("utf-16"))
    with open_in_memory() as database:
        assert load(database, [tmp_path / "log.jsonl"]).quarantined == 1
        assert rows(database.connection, "SELECT reason FROM rejected_line") == [{"reason": "encoding"}]


def test_standard_input_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is a source like any other, packed or not."""
    for text in (lines(3), gzip.compress(lines(3))):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        with open_in_memory() as database:
            assert load(database, ["-"]).events == 3


def test_globs_and_folders_give_each_file_once(tmp_path: Path) -> None:
    """A folder, a glob and a link that all lead to one file read it once; our own files are never a source."""
    folder = tmp_path / "logs" / "inner"
    folder.mkdir(parents=True)
    write(folder / "a.jsonl", line(1))
    write(tmp_path / "logs" / "b.jsonl", line(2))
    (tmp_path / "logs" / "link.jsonl").symlink_to(folder / "a.jsonl")
    with open_for_write(tmp_path / "logs" / "timeline.duckdb") as database:
        report = load(database, [tmp_path / "logs", f"{tmp_path}/logs/*.jsonl", folder / "a.jsonl"])
        assert (report.files, report.lines, report.events) == (2, 2, 2)
        with pytest.raises(UsageError, match="the database itself"):
            load(database, [tmp_path / "logs" / "timeline.duckdb"])
        with pytest.raises(UsageError, match="no file matches"):
            load(database, [f"{tmp_path}/*.nothing"])


def test_an_unreadable_source_is_told_about_and_the_others_load(tmp_path: Path) -> None:
    """What cannot be opened costs exit code 6 at the end, and nothing else."""
    write(tmp_path / "good.jsonl", line(1))
    (tmp_path / "folder.jsonl").symlink_to(tmp_path / "nowhere")
    with open_in_memory() as database:
        report = load(database, [tmp_path / "missing.jsonl", tmp_path / "folder.jsonl", "/dev/null", tmp_path / "good.jsonl"])
        assert (report.files, report.events, len(report.unreadable)) == (1, 1, 3)
        with pytest.raises(StorageFailed, match=r"missing\.jsonl"):
            report.check()


def test_strict_refuses_after_the_good_lines_are_loaded(tmp_path: Path) -> None:
    """`--strict` is a verdict and not a filter."""
    with open_in_memory() as database:
        report = load(database, [write(tmp_path / "log.jsonl", line(1), b"bad", line(2, data=PARKED))])
        report.check()
        with pytest.raises(InputRejected, match="1 of 3 lines"):
            report.check(is_strict=True)
        assert count(database) == 2
