"""`--explain`: what a file is taken for, and what in it speaks for that."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ingest.errors import UsageError
from ingest.load import explain
from tests.ingest.lines import line, write


@pytest.mark.parametrize(
    ("content", "format", "because"),
    [
        (line(), "native", "its first record has the keys actor, event_id, kind, subject, time"),
        (b'{"auditID": "a", "stage": "Panic", "verb": "get"}', "k8s_audit", "its first record has the keys auditID, stage, verb"),
        (b'{"kind": "EventList", "items": []}', "k8s_events_document", "it is one document of kind EventList"),
        (b'{"msg": "placed"}', "native", "its first record, with the keys 'msg', speaks for no other"),
        (
            b"12:00 placed",
            "native",
            "no line of its beginning is a JSON object, so none will load; describe its lines in a file for --mapping",
        ),
    ],
)
def test_a_file_is_taken_for_what_its_beginning_speaks_for(tmp_path: Path, content: bytes, format: str, because: str):
    """Packed or not, the content decides."""
    path = write(tmp_path / "log", content)
    (tmp_path / "log.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert [tuple(taken)[1:] for taken in explain([path, tmp_path / "log.gz"])] == [(format, because)] * 2


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path):
    (broken,) = explain([write(tmp_path / "log.gz", b"\x1f\x8bnot gzip at all")])
    assert (broken.format, "gzip" in broken.because) == ("", True)
    with pytest.raises(UsageError, match="standard input can be read only once"):
        explain(["-"])


def test_what_was_asked_for_is_not_looked_at(tmp_path: Path):
    path = write(tmp_path / "log", b"anything")
    assert [taken.because for taken in explain([path], format="native")] == ["it was asked for"]
    assert explain([path], mapping="lock_log")[0].format.startswith("mapping lock_log ")
