"""The query that types a chunk of lines, and the files of SQL that it is made of."""

from __future__ import annotations

from importlib import resources

from ingest.shapes import ENVELOPE_FIELDS


def text_of(file: str) -> str:
    """A file of this package as text."""
    return resources.files("ingest").joinpath(file).read_text(encoding="utf-8")


def parse_query(source_select: str, clock_is_place: bool) -> str:
    """The query that types and judges a chunk whose lines `source_select` maps to native text. Takes `$run`.

    `source_select` gives idx, byte_offset, text, and whether the line as it came `is_plain_line`.

    A clock that is a place is left out of the content by which a duplicate is told from a conflict.
    """
    paths = ", ".join(f"'$.{field.name}'" for field in ENVELOPE_FIELDS)
    structure = ", ".join(f'"{field.name}": "{field.duckdb_type}"' for field in ENVELOPE_FIELDS)
    absent = ", ".join(f'"{field.name}": null' for field in ENVELOPE_FIELDS)
    query = text_of("envelope.sql").replace("{{source}}", source_select).replace("{{paths}}", paths)
    query = query.replace("{{content}}", """json_merge_patch(text, '{"clock": null}')""" if clock_is_place else "text")
    return query.replace("{{structure}}", structure).replace("{{absent}}", absent)
