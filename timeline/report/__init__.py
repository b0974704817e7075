"""The report: a run and what is wrong with it in one file that needs nothing else, for a person who was just woken.

The page has no script and fetches nothing; its own policy forbids both. Whatever comes from the log goes through one
function, `shown_text`, and is then escaped by the template engine; pictures are images, so that nothing in them runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import jinja2
from markupsafe import Markup

from ingest.errors import UsageError
from timeline.exports import Chosen
from timeline.redaction import blacked_out
from timeline.report.page import Page, page_of
from timeline.safe import printable

TEMPLATES = Path(__file__).parent / "templates"
TEXT_MAX = 2_000
"""Characters of one text that are shown."""

_MEANT = re.compile(r"[\\`*_{}\[\]()<>!|~#$&@]|:(?=//)|(?<=www)\.")
"""What Markdown, or a site that shows it, takes for more than itself anywhere in a line."""
_LEADING = re.compile(r"^\s*(?=[-+=])|^\s*\d+(?=[.)](?:\s|$))")
"""What stands before what means something at the beginning of a line."""


def text_of(chosen: Chosen, path: Path) -> str:
    """The report as it is written to `path`; of a chosen finding only that one is told. The same log gives the same text.

    Raises UsageError where the suffix is of no form.
    """
    if path.suffix not in FORMS:
        raise UsageError(f"writing the report {path}: name it {' or '.join(FORMS)}")
    return FORMS[path.suffix](page_of(chosen, is_drawn=path.suffix in DRAWN))


def html(page: Page) -> str:
    """The report as a page of HTML."""
    return _filled("report.html", page, shown_text, is_escaped=True)


def markdown(page: Page) -> str:
    """The report as Markdown without pictures, to be pasted into a ticket."""
    return _filled("report.md", page, markdown_text, is_escaped=False)


def _filled(template: str, page: Page, shown: Callable[[object], object], *, is_escaped: bool) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=is_escaped,  # noqa: S701  Markdown is escaped by `markdown_text`; as HTML it would be read wrongly
        finalize=shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(page=page)


def shown_text(value: object) -> object:
    """A value as text that is only read: what it could command, hide or reorder is spelled out, and it ends somewhere."""
    if isinstance(value, Markup):  # a picture, or what the template made and has escaped already
        return value
    text = blacked_out(printable("" if value is None else str(value)))
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}… ({len(text):,} characters)"


def markdown_text(value: object) -> str:
    """A value as text that no reader of Markdown takes for anything else, and that no site makes a link or a mention of."""
    text = _MEANT.sub(r"\\\g<0>", str(shown_text(value)))
    return _LEADING.sub(r"\g<0>\\", text)


FORMS: dict[str, Callable[[Page], str]] = {".html": html, ".md": markdown}
"""Suffix to what makes a report of that form."""
DRAWN = {".html"}
"""Suffixes of the forms that show pictures."""
