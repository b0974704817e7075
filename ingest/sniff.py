"""What a file holds, told from its content: every `.sql` file of `ingest/sources` is a source, named as its file.

A source is a SELECT from `chunk(idx, byte_offset, raw)`, which it may read once, to `text`, the same line as native text. Its
header says how to know it, and how its records are found:

    -- title: what it is
    -- first record has: a, b      lines of JSON, and these keys in the first
    -- document has: a, b          one JSON document, with these keys somewhere in its beginning
    -- document is: A, B           one JSON document, with one of these as the value of a key `kind`
    -- items: a, b                 the lists of the document whose items are its records; `*` where it is itself a list
    -- begins with: REGEX          any other file, by its first bytes; several such lines are several ways to begin
    -- lines are: text             and not JSON
    -- a line says: many events    the SELECT also gives `part`, which tells the events of a line apart
    -- clock is: a place           the clock says where the record stands, and not what it says

A format that can be lines or one document has two names, the second with `_document`. A `.py` file beside it reads records
out of what is neither, and a `.toml` file says what its kinds mean to the generic detectors (`ingest.roles`).
"""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
_HEADER = re.compile(
    r"^-- (title|first record has|document has|document is|items|begins with|lines are|a line says|clock is): (.*)$", re.MULTILINE
)

Records = Callable[[bytes], Iterator[tuple[int, bytes]]]
"""Reads a document into its records, each with its place in the document and as one line of JSON. Raises ValueError where it breaks off."""


@dataclass(frozen=True)
class Source:
    """A format that can be read."""

    name: str
    title: str
    select: str
    """The SELECT from `chunk` to native text: empty for a line that holds no event on purpose, NULL for one that cannot be mapped."""
    record_keys: frozenset[str] = frozenset()
    """Keys of the first record by which lines of JSON are known."""
    document_keys: frozenset[str] = frozenset()
    """Keys in its beginning by which one document of JSON is known."""
    document_kinds: frozenset[str] = frozenset()
    """Values of a key `kind` by which one document of JSON is known."""
    items: frozenset[str] = frozenset()
    """The lists of the document that hold its records."""
    begins: re.Pattern[bytes] | None = None
    """By what first bytes it is known."""
    records: Records | None = None
    """Reads the records of a document that is not JSON, or whose records need each other."""
    bound: tuple[tuple[str, str], ...] = ()
    """Parameters of the SELECT beside `$run`."""
    is_document: bool = False
    """The file is one document and not lines."""
    is_json: bool = True
    """Each line is a JSON object."""
    says_many: bool = False
    """A line may say many events."""
    clock_is_place: bool = False
    """The clock says where a record stands. The same record at another place is the same event, so it is no content."""
    roles: tuple[KindRole, ...] = ()
    """What its kinds mean to the generic detectors."""


@cache
def sources() -> dict[str, Source]:
    """Every source by name: the files of `ingest/sources`."""
    files = (file for file in resources.files("ingest").joinpath("sources").iterdir() if file.is_file())
    texts = {file.name: file.read_text(encoding="utf-8") for file in files}
    names = sorted(name.removesuffix(".sql") for name in texts if name.endswith(".sql"))
    return {source.name: source for name in names for source in _sources(name, texts)}


def _sources(name: str, texts: dict[str, str]) -> Iterator[Source]:
    """The one or two sources of a file: as lines, as a document."""
    header = dict(_HEADER.findall(texts[f"{name}.sql"]))
    words = {key: frozenset(value.split(", ")) for key, value in header.items()}
    begins = "|".join(value for key, value in _HEADER.findall(texts[f"{name}.sql"]) if key == "begins with")
    source = Source(
        name=name,
        title=header["title"],
        select=texts[f"{name}.sql"],
        begins=re.compile(begins.encode(), re.DOTALL) if begins else None,
        records=importlib.import_module(f"ingest.sources.{name}").records if f"{name}.py" in texts else None,
        is_document=bool(begins),
        is_json=header.get("lines are") != "text",
        says_many="a line says" in header,
        clock_is_place="clock is" in header,
        roles=rows_of(activities_of(tomllib.loads(texts.get(f"{name}.toml", "")))),
    )
    if not (keys := words.get("first record has")):
        keys = frozenset()
    if keys or begins:
        yield replace(source, record_keys=keys)
    if items := words.get("items"):
        yield replace(
            source,
            name=f"{name}_document" if keys else name,
            document_keys=words.get("document has", frozenset()),
            document_kinds=words.get("document is", frozenset()),
            items=items,
            is_document=True,
        )


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
    for source in sources().values():
        if source.begins and source.begins.match(head):
            return source, f"it begins as one does: {source.title}"
    is_list = head.lstrip().startswith(b"[")
    first = None if is_list else next(_records(head), None)
    for source in sources().values():
        if source.record_keys and first and source.record_keys <= first.keys():
            return source, f"its first record has the keys {', '.join(sorted(source.record_keys))}"
    if is_list or None in map(_record, [*head.split(b"\n", 2), b""][:2]):
        keys = frozenset(word.decode() for word in re.findall(rb'"([\w.]+)"\s*:', head))
        kinds = frozenset(word.decode() for word in re.findall(rb'"kind"\s*:\s*"(\w+)"', head))
        for source in sources().values():
            if found := kinds & source.document_kinds:
                return source, f"it is one document of kind {', '.join(sorted(found))}"
            if source.document_keys and source.document_keys <= keys:
                return source, f"it is one document with the keys {', '.join(sorted(source.document_keys))}"
    if first is None:
        return sources()[NATIVE], "no line of its beginning is a JSON object, so none will load; describe its lines in a file for --mapping"
    return sources()[NATIVE], f"its first record, with the keys {', '.join(map(repr, list(first)[:8]))}, speaks for no other"


def _records(head: bytes) -> Iterator[dict[str, object]]:
    return filter(None, map(_record, head.split(b"\n")))


def _record(line: bytes) -> dict[str, object] | None:
    """The object of JSON that a line holds, if it holds one."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def refusal_of_encoding(head: bytes) -> Refusal | None:
    """Why a whole file cannot be read as lines of UTF-8; None where nothing speaks against it."""
    if head.startswith(_WIDE_ENCODINGS):
        return Refusal("encoding", "the file begins with the mark of UTF-16 or UTF-32; convert it to UTF-8")
    return None
