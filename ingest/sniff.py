"""What a file holds, told from its content: every `.sql` file of `ingest/sources` is a source, named as its file.

A source is a SELECT from `chunk(idx, byte_offset, raw)` to `text`, the same line as native text. Its header says how
to know it: the keys that its first record has, and for a source that is one document and not lines, the document's kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ingest.chunks import BOM
from ingest.errors import UsageError
from ingest.strict import Refusal

HEAD_BYTES = 64 * 1024
DOCUMENT_BYTES_MAX = 256 * 1024 * 1024
NATIVE = "native"
_WIDE_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")


@dataclass(frozen=True)
class Source:
    """A format that can be read."""

    name: str
    title: str
    record_keys: frozenset[str]
    """Keys of the first record by which the source is known."""
    document_kinds: frozenset[str]
    """Values of the top-level `kind`, where the source is one document with `items`; empty where it is lines."""
    select: str
    """The SELECT from `chunk` to native text."""


@cache
def sources() -> dict[str, Source]:
    """Every source by name: the files of `ingest/sources`."""
    files = sorted(resources.files("ingest").joinpath("sources").iterdir(), key=lambda file: file.name)
    found = (_source(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".sql"))
    return {source.name: source for source in found}


def _source(name: str, text: str) -> Source:
    header = dict(re.findall(r"^-- (title|document|first record has): (.*)$", text, re.MULTILINE))
    words = {key: frozenset(value.split(", ")) for key, value in header.items()}
    return Source(name, header["title"], words["first record has"], words.get("document", frozenset()), text)


def source_named(name: str) -> Source:
    """The source of that name. Raises UsageError."""
    if name not in sources():
        raise UsageError(f"--format {name}: there is no such format; there are {', '.join(sources())}")
    return sources()[name]


def sniff(head: bytes) -> Source:
    """The source that the first bytes of a file speak for; native where they speak for none."""
    head = head.removeprefix(BOM)
    document = re.search(rb'"kind"\s*:\s*"(\w+)"', head) if re.match(rb'\s*\{\s*"(?:apiVersion|kind|items|metadata)"', head) else None
    first = next(_records(head), {})
    for source in sources().values():
        if not source.document_kinds and source.record_keys <= first.keys():
            return source
    for source in sources().values():
        if document and _document_kinds(head) & source.document_kinds:
            return source
    return sources()[NATIVE]


def _document_kinds(head: bytes) -> frozenset[str]:
    return frozenset(word.decode() for word in re.findall(rb'"kind"\s*:\s*"(\w+)"', head))


def _records(head: bytes) -> Iterator[dict[str, object]]:
    for line in head.split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def refusal_of_encoding(head: bytes) -> Refusal | None:
    """Why a whole file cannot be read as lines of UTF-8; None where nothing speaks against it."""
    if head.startswith(_WIDE_ENCODINGS):
        return Refusal("encoding", "the file begins with the mark of UTF-16 or UTF-32; convert it to UTF-8")
    return None
