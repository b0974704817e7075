"""Blacking out secrets in what leaves the house: a seed is mailed and attached to issues."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from timeline.safe import printable

BLACKED_OUT = "[blacked out]"

_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|pgpassword|secret|token|credential|(api|access|private)[-_]?key|authorization|auth|cookie|dsn)s?$",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"""
    (?P<url>[a-z][a-z0-9+.-]*:/{1,2}[^\s/:@]*:)[^\s@]+(?=@)                   # postgres://user:secret@host; as a path it has one slash
    | (?P<scheme>\b(?:bearer|basic|token)\s+)[A-Za-z0-9._~+/=-]{8,}            # Authorization: Bearer …
    # password=…; what is blacked out already counts as one, so that it stays as it is
    | (?P<pair>\b\w*(?:password|passwd|pwd|secret|token|api_?key|access_?key)\w*\s*[=:]\s*)(?:\[blacked\ out\]|[^\s;,&"'])+
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*                   # a JSON web token
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                                           # a cloud access key
    | \b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|sk_live_|rk_live_)[A-Za-z0-9_-]{10,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|$)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


SUSPECT = r"pass|pwd|secret|token|credential|key|auth|cookie|dsn|:/|bearer|basic|eyj|a[ks]ia|gh[pousr]_|github_|glpat|xox|[sr]k[-_]"
"""Every text with a secret has some of this in it, in either case; most texts have none of it. For an engine of regular expressions."""


def blacked_out(text: str) -> str:
    """`text` with every secret in it blacked out."""
    return _SECRET_TEXT.sub(_blacken, text)


def blacked_out_ids(ids: Iterable[tuple[str, int | None]]) -> dict[str, str]:
    """For each id, beside the number of its event, an id without a secret. What could be told apart still can be: by a number.

    The number that the id of an event ends in is none: `cp-1/token_sweep:17` stays as it is.
    """
    made: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for id_, seq in ids:
        end = f":{seq}" if id_.endswith(f":{seq}") else ""
        text = blacked_out(id_.removesuffix(end)) + end
        taken[text] += 1
        made[id_] = text if taken[text] == 1 else f"{text} ({taken[text]})"
    return made


def redacted_json(text: str) -> str:
    """A text with every secret in it blacked out; of a JSON document also what stands under the name of one."""
    if text[:1] not in {"{", "["}:
        return blacked_out(text)
    try:
        document = json.loads(text)
    except ValueError:
        return blacked_out(text)
    cleaned, places = redacted(document)
    return json.dumps(cleaned, separators=(",", ":"), ensure_ascii=False) if places else text


def redacted(document: Any, place: str = "", ids: Mapping[str, str] | None = None) -> tuple[Any, list[str]]:
    """The JSON document with every secret blacked out, and the places where one was, in order.

    A text that is one of `ids` becomes what stands beside it (`blacked_out_ids`).
    """
    if isinstance(document, dict):
        made: dict[str, Any] = {}
        places: list[str] = []
        for key, value in document.items():
            here = f"{place}.{key}" if place else key
            if isinstance(value, str) and value and _SECRET_NAME.search(key):
                made[key], inner = BLACKED_OUT, [here]
            else:
                made[key], inner = redacted(value, here, ids)
            places += inner
        return made, places
    if isinstance(document, list):
        parts = [redacted(value, f"{place}[{index}]", ids) for index, value in enumerate(document)]
        return [value for value, _ in parts], [inner for _, places in parts for inner in places]
    if isinstance(document, str):
        text = (ids or {}).get(document) or blacked_out(document)
        return text, [place] if text != document else []
    return document, []


def plain_fields(said: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, str | int | float | bool]:
    """Fields without secrets as every viewer shows them: numbers and truth, text without anything hostile, anything else as JSON."""
    cleaned, _ = redacted(dict(said), ids=ids)
    return {
        printable(key): value
        if isinstance(value, bool | int | float)
        else printable(value if isinstance(value, str) else json.dumps(value))
        for key, value in cleaned.items()
    }


def _blacken(match: re.Match[str]) -> str:
    return next((kept for kept in match.groups() if kept), "") + BLACKED_OUT
