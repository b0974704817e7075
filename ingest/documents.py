"""One document that holds many records, turned to lines: JSON without moving a byte, anything else by its own reader."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from itertools import pairwise

from ingest.chunks import Chunk
from ingest.sniff import Records, Source
from ingest.strict import Refusal

_SPACE = " \t\r\n"
_AFTER_SPACE = re.compile(r"[^ \t\r\n]")


def chunks_of_document(document: bytes, source: Source, chunk_bytes: int) -> Iterator[Chunk | Refusal]:
    """The records of a document as lines; last, if it could not be read to its end, why.

    Records that a reader makes stand for themselves, so they come in chunks of about that size. Those of JSON, and plain
    lines, come in one, so that a source may look from one to another.
    """
    if source.records:
        yield from _read_chunks(source.records, document, chunk_bytes)
    elif source.items:
        chunk, refusal = items_as_lines(document, source.items)
        yield from filter(None, (chunk, refusal))
    elif document:
        yield Chunk(1, 0, document.removesuffix(b"\n"))


def items_as_lines(document: bytes, lists: frozenset[str]) -> tuple[Chunk | None, Refusal | None]:
    """The items of the lists of those names, one a line, at the offsets that they have in the document.

    `*` stands for a document that is itself a list. A line end inside an item can only be white space, so it becomes a blank;
    what stands between two items becomes blanks and a line end. Gives the lines, if there are any, and why the document could
    not be read to its end, if it could not.
    """
    text = document.decode("latin-1")  # one character a byte, so that places are offsets; JSON's own marks are ASCII
    places: list[tuple[int, int]] = []
    refusal = None
    try:
        places.extend(_items(text, lists))
    except (ValueError, IndexError) as error:
        refusal = Refusal("not_json", f"the document breaks off or is not JSON: {error}")
    except RecursionError:
        refusal = Refusal("depth", "the document is nested too deeply")
    if not places:
        return None, refusal
    first, last = places[0][0], places[-1][1]
    lines = bytearray(document[first:last].replace(b"\n", b" "))
    for (_, end), (start, _) in pairwise(places):
        lines[end - first : start - first] = b" " * (start - end - 1) + b"\n"
    return Chunk(1, first, bytes(lines)), refusal


def _read_chunks(records: Records, document: bytes, chunk_bytes: int) -> Iterator[Chunk | Refusal]:
    number, places, lines, size, refusal = 1, list[int](), list[bytes](), 0, None
    found = records(document)
    while True:
        try:
            place, line = next(found)
        except StopIteration:
            break
        except ValueError as error:
            refusal = Refusal("document", str(error))
            break
        places.append(place)
        lines.append(line)
        size += len(line)
        if size >= chunk_bytes:
            yield Chunk(number, 0, b"\n".join(lines), tuple(places))
            number, places, lines, size = number + len(lines), [], [], 0
    if lines:
        yield Chunk(number, 0, b"\n".join(lines), tuple(places))
    if refusal:
        yield refusal


def _items(text: str, lists: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Start and end of each item of the lists at the top, of one document or of several that follow each other."""
    decoder, place = json.JSONDecoder(), 0
    while (begin := _AFTER_SPACE.search(text, place)) is not None:
        place = begin.start()
        if text[place] == "[" and "*" in lists:
            place = yield from _items_of(text, place, decoder)
        else:
            place = yield from _items_of_object(text, place, lists, decoder)


def _items_of_object(text: str, start: int, lists: frozenset[str], decoder: json.JSONDecoder) -> Generator[tuple[int, int], None, int]:
    """Start and end of each item of an object's lists; gives the place after its end. With `*`, one without them is itself an item."""
    place, has_lists = _expect(text, start, "{"), False
    while text[place := _skip(text, place)] != "}":
        _expect(text, place, '"')
        key, place = decoder.raw_decode(text, place)
        place = _skip(text, _expect(text, place, ":"))
        if key in lists and text[place] == "[":
            place, has_lists = (yield from _items_of(text, place, decoder)), True
        else:
            _, place = decoder.raw_decode(text, place)
        place = _skip(text, place)
        place = place + 1 if text[place] == "," else place
    if not has_lists and "*" in lists:
        yield start, place + 1
    elif not has_lists:
        raise ValueError(f"it has none of the lists {', '.join(sorted(lists))}")
    return place + 1


def _items_of(text: str, place: int, decoder: json.JSONDecoder) -> Generator[tuple[int, int], None, int]:
    """Start and end of each item of the list that begins at `place`; gives the place after its end."""
    place = _skip(text, place + 1)
    while text[place] != "]":
        _, end = decoder.raw_decode(text, place)
        yield place, end
        place = _skip(text, end)
        place = _skip(text, place + 1) if text[place] == "," else place
    return place + 1


def _skip(text: str, place: int) -> int:
    while text[place] in _SPACE:
        place += 1
    return place


def _expect(text: str, place: int, mark: str) -> int:
    place = _skip(text, place)
    if text[place] != mark:
        raise ValueError(f"expected {mark} at byte {place}")
    return place + 1
