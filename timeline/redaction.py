"""Blacking out secrets in what leaves the house: a seed is mailed and attached to issues."""

from __future__ import annotations

import json
import re
from typing import Any

BLACKED_OUT = "[blacked out]"

_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|pgpassword|secret|token|credential|(api|access|private)[-_]?key|authorization|auth|cookie|dsn)s?$",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"""
    (?P<url>[a-z][a-z0-9+.-]*:/{1,2}[^\s/:@]*:)[^\s@]+(?=@)                   # postgres://user:secret@host; as a path it has one slash
    | (?P<scheme>\b(?:bearer|basic|token)\s+)[A-Za-z0-9._~+/=-]{8,}            # Authorization: Bearer …
    | (?P<pair>\b\w*(?:password|passwd|pwd|secret|token|api_?key|access_?key)\w*\s*[=:]\s*)[^\s;,&"']+  # password=…
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


def redacted(document: Any, place: str = "") -> tuple[Any, list[str]]:
    """The JSON document with every secret blacked out, and the places where one was, in order."""
    if isinstance(document, dict):
        made: dict[str, Any] = {}
        places: list[str] = []
        for key, value in document.items():
            here = f"{place}.{key}" if place else key
            if isinstance(value, str) and value and _SECRET_NAME.search(key):
                made[key], inner = BLACKED_OUT, [here]
            else:
                made[key], inner = redacted(value, here)
            places += inner
        return made, places
    if isinstance(document, list):
        parts = [redacted(value, f"{place}[{index}]") for index, value in enumerate(document)]
        return [value for value, _ in parts], [inner for _, places in parts for inner in places]
    if isinstance(document, str):
        text = blacked_out(document)
        return text, [place] if text != document else []
    return document, []


def _blacken(match: re.Match[str]) -> str:
    return next((kept for kept in match.groups() if kept), "") + BLACKED_OUT
