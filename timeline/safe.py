"""The one way in which text of an event reaches a terminal or a page: what it could command is spelled out instead."""

from __future__ import annotations

import re

# C0 without tab, DEL, C1 · soft hyphen, letter mark, joiners and zero-width spaces · line and paragraph separators, bidi
# controls · invisible operators · byte order mark · interlinear marks · lone surrogates · tags. A range each.
HOSTILE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def printable(text: str) -> str:
    r"""`text` with every character that could move, colour, hide or reorder written as `\uXXXX`; a tab stays.

    Characters beyond the basic plane become two surrogates, as in JSON, so that a JSON string stays the same string.
    """
    return HOSTILE.sub(lambda match: _spelled(match[0]), text)


def _spelled(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
