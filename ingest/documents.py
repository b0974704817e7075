"""One JSON document with a list of items, such as a Kubernetes EventList, turned to lines without moving a byte."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ingest.chunks import Chunk
from ingest.strict import Refusal

_SPACE = " \t\r\n"


def items_as_lines(document: bytes) -> tuple[Chunk | None, Refusal | None]:
    """The items of the list `items`, one a line, at the offsets that they have in the document.

    A line end inside an item can only be white space, so it becomes a blank; the comma after an item becomes the line
    end. Gives the lines, if there are any, and why the document could not be read to its end, if it could not.
    """
    text = document.decode("latin-1")  # one character a byte, so that places are offsets; JSON's own marks are ASCII
    starts: list[int] = []
    refusal, last_end = None, 0
    try:
        for start, end in _items(text):
            starts.append(start)
            last_end = end
    except (ValueError, IndexError) as error:
        refusal = Refusal("not_json", f"the document breaks off or is not JSON: {error}")
    except RecursionError:
        refusal = Refusal("depth", "the document is nested too deeply")
    if not starts:
        return None, refusal
    lines = bytearray(document[starts[0] : last_end].replace(b"\n", b" "))
    for start in starts[1:]:
        lines[document.rindex(b",", 0, start) - starts[0]] = ord("\n")
    return Chunk(1, starts[0], bytes(lines)), refusal


def _items(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each item of the top-level list `items`."""
    decoder = json.JSONDecoder()
    place = _expect(text, 0, "{")
    while text[place := _skip(text, place)] != "}":
        key, place = decoder.raw_decode(text, place)
        place = _skip(text, _expect(text, place, ":"))
        if key == "items" and text[place] == "[":
            place = _skip(text, place + 1)
            while text[place] != "]":
                _, end = decoder.raw_decode(text, place)
                yield place, end
                place = _skip(text, end)
                place = _skip(text, place + 1) if text[place] == "," else place
            place += 1
        else:
            _, place = decoder.raw_decode(text, place)
        place = _skip(text, place)
        place = place + 1 if text[place] == "," else place


def _skip(text: str, place: int) -> int:
    while text[place] in _SPACE:
        place += 1
    return place


def _expect(text: str, place: int, mark: str) -> int:
    place = _skip(text, place)
    if text[place] != mark:
        raise ValueError(f"expected {mark} at byte {place}")
    return place + 1
