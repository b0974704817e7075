"""XML of other people, element by element: no DOCTYPE, so no entity is ever declared, fetched or expanded, and a bounded depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, NoReturn
from xml.parsers import expat

_DEPTH_MAX = 32
_FEED_BYTES = 64 * 1024


class Step(NamedTuple):
    """The begin or the end of an element."""

    is_end: bool
    name: str
    """Without the prefix of its namespace."""
    attributes: dict[str, str]
    """Empty at the end."""
    text: str
    """What stood between begin and end, without its children; empty at the begin."""
    place: int
    """Byte of the document where it stands."""


def steps(document: bytes) -> Iterator[Step]:
    """Begins and ends of the elements, in order. Raises ValueError where it is no XML, has a DOCTYPE, or is nested too deeply."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    found: list[Step] = []
    texts: list[list[str]] = [[]]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(texts) > _DEPTH_MAX:
            raise ValueError(f"it is nested more than {_DEPTH_MAX} deep, at byte {parser.CurrentByteIndex}")
        texts.append([])
        found.append(Step(False, name.rpartition(":")[2], attributes, "", parser.CurrentByteIndex))

    def end(name: str) -> None:
        found.append(Step(True, name.rpartition(":")[2], {}, "".join(texts.pop()), parser.CurrentByteIndex))

    def say(text: str) -> None:
        texts[-1].append(text)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, say
    parser.StartDoctypeDeclHandler = _refuse_doctype
    for start in range(0, len(document) + 1, _FEED_BYTES):
        try:
            parser.Parse(document[start : start + _FEED_BYTES], start + _FEED_BYTES > len(document))
        except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: an encoding that nobody knows
            yield from found
            raise ValueError(f"the document breaks off or is not XML: {error}") from None
        yield from found
        found.clear()


def _refuse_doctype(*declared: object) -> NoReturn:
    raise ValueError(f"it declares the DOCTYPE {str(declared[0])[:60]}; entities are not read")
