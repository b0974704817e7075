"""The report: a run and what is wrong with it in one file that needs nothing else, for a person who was just woken.

The page has no script and fetches nothing; its own policy forbids both. Whatever comes from the log goes through one
function, `shown_text`, and is then escaped by the template engine; pictures are images, so that nothing in them runs.
"""

from __future__ import annotations

from pathlib import Path

import jinja2
from markupsafe import Markup

from ingest.errors import UsageError
from timeline.exports import Chosen
from timeline.report_page import Page, page_of
from timeline.safe import printable

TEMPLATES = Path(__file__).parent / "templates"
TEXT_MAX = 2_000
"""Characters of one text that are shown."""


def text_of(chosen: Chosen, path: Path) -> str:
    """The report as it is written to `path`; of a chosen finding only that one is told. The same log gives the same text.

    Raises UsageError where the suffix is of no form.
    """
    if path.suffix not in {".html", ".htm"}:
        raise UsageError(f"writing the report {path}: name it .html")
    return html(page_of(chosen))


def html(page: Page) -> str:
    """The report as a page of HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=shown_text,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html").render(page=page)


def shown_text(value: object) -> object:
    """A value as text that is only read: what it could command, hide or reorder is spelled out, and it ends somewhere."""
    if isinstance(value, Markup):  # a picture, or what the template made and has escaped already
        return value
    text = printable("" if value is None else str(value))
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}… ({len(text):,} characters)"
