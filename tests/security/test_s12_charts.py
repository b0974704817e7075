"""S12: a chart takes text of events as data alone; no field, expression or address of its specification comes from a log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.timeline.tiny_replayer import SECOND, record
from timeline.api import Timeline
from timeline.pages import charts

PAYLOADS = ["datum.x; alert(1)", "a.b[c]", "\\'];alert(1)//", "${alert(1)}", '{"signal": "alert(1)"}', "http://127.0.0.1:9/x.png"]
CODE = {"expr", "signal", "field", "href", "url", "calculate", "filter", "test", "as", "param", "name", "format", "labelExpr"}
"""Keys whose values Vega reads as code, as the name of something, or as an address."""


def coded(document: Any, under: str = "") -> Iterator[str]:
    """Every text below a key of CODE, outside of the data."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key not in {"datasets", "values"}:
                yield from coded(value, key if key in CODE else under)
    elif isinstance(document, list):
        for value in document:
            yield from coded(value, under)
    elif isinstance(document, str) and under:
        yield document


def test_s12_no_text_of_a_log_is_code_in_a_chart():
    """Leases and runs named as expressions, fields with dots and brackets, objects of Vega, addresses."""
    lose = {"name": "lose_lease", "at_us": 60 * SECOND}
    for payload in PAYLOADS:
        with Timeline.in_memory(record(payload, [lose], {"runs_once": True}, lease=payload).lines) as log:
            spec = json.loads(charts.swim_lanes(log.lanes()).to_json())
        texts = list(coded(spec))
        assert len(texts) > 10
        assert [text for text in texts if payload in text] == []
        rows = [row for data in spec["datasets"].values() for row in json.loads(data)]
        assert any(payload in str(value) for row in rows for value in row.values())
