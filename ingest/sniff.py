"""What a file holds, told from its content: every `.sql` file of `ingest/sources` is a source, named as its file.

A source is a SELECT from `chunk(idx, byte_offset, raw)` to `text`, the same line as native text. Its header says how
to know it: the keys that its first record has, and for a source that is one document and not lines, the document's kind.
A `.toml` file beside it says what its kinds mean to the generic detectors (`ingest.roles`).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ingest.chunks import BOM
from ingest.errors import UsageError
from ingest.roles import KindRole, activities_of, rows_of
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
    """The SELECT from `chunk` to native text: empty for a line that holds no event on purpose, NULL for one that cannot be mapped."""
    bound: tuple[tuple[str, str], ...] = ()
    """Parameters of the SELECT beside `$run`."""
    is_json: bool = True
    """Each line is a JSON object."""
    roles: tuple[KindRole, ...] = ()
    """What its kinds mean to the generic detectors."""


@cache
def sources() -> dict[str, Source]:
    """Every source by name: the files of `ingest/sources`."""
    texts = {file.name: file.read_text(encoding="utf-8") for file in resources.files("ingest").joinpath("sources").iterdir()}
    names = sorted(name.removesuffix(".sql") for name in texts if name.endswith(".sql"))
    return {name: _source(name, texts[f"{name}.sql"], texts.get(f"{name}.toml", "")) for name in names}


def _source(name: str, text: str, roles: str) -> Source:
    header = dict(re.findall(r"^-- (title|document|first record has): (.*)$", text, re.MULTILINE))
    words = {key: frozenset(value.split(", ")) for key, value in header.items()}
    kinds = words.get("document", frozenset())
    return Source(name, header["title"], words["first record has"], kinds, text, roles=rows_of(activities_of(tomllib.loads(roles))))


def source_named(name: str) -> Source:
    """The source of that name. Raises UsageError."""
    if name not in sources():
        raise UsageError(f"--format {name}: there is no such format; there are {', '.join(sources())}")
    return sources()[name]


def sniff(head: bytes) -> Source:
    """The source that the first bytes of a file speak for; native where they speak for none."""
    return taken_for(head)[0]


def taken_for(head: bytes) -> tuple[Source, str]:
    """The source that the first bytes of a file speak for, and what in them does."""
    head = head.removeprefix(BOM)
    document = re.search(rb'"kind"\s*:\s*"(\w+)"', head) if re.match(rb'\s*\{\s*"(?:apiVersion|kind|items|metadata)"', head) else None
    first = next(_records(head), None)
    for source in sources().values():
        if not source.document_kinds and first and source.record_keys <= first.keys():
            return source, f"its first record has the keys {', '.join(sorted(source.record_keys))}"
    for source in sources().values():
        if document and (kinds := _document_kinds(head) & source.document_kinds):
            return source, f"it is one document of kind {', '.join(sorted(kinds))}"
    if first is None:
        return sources()[NATIVE], "no line of its beginning is a JSON object, so none will load; describe its lines in a file for --mapping"
    return sources()[NATIVE], f"its first record, with the keys {', '.join(map(repr, list(first)[:8]))}, speaks for no other"


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
