"""Rows as the data of a chart: text that cannot command anything, times in milliseconds. Needs the extra `notebooks`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt
import polars as pl

from timeline.safe import printable
from timeline.words import short


def data_of(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as the data of a chart, written as one text: altair copies, walks and checks each value of a list several times over."""
    values = json.dumps(list(rows), ensure_ascii=False, separators=(",", ":"))
    return alt.InlineData(values=values, format=alt.JsonDataFormat(type="json"))


def rows_of(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as Vega takes them: text that cannot command anything, times in milliseconds."""
    clock = frame["ts_us"].cast(pl.Datetime("us")).dt.strftime("%H:%M:%S%.3f").to_list() if "ts_us" in frame.columns else None
    rows = []
    for place, row in enumerate(frame.to_dicts()):
        plain = {name: cut(value) if isinstance(value, str) else value for name, value in row.items() if not name.endswith("_us")}
        if clock is not None:
            plain |= {"from_ms": row["ts_us"] / 1000, "until_ms": row["until_us"] / 1000, "since": clock[place]}
            plain["lasted"] = short(row["until_us"] - row["ts_us"])
        rows.append(plain)
    return rows


def cut(text: str, most: int = 200) -> str:
    """Text of an event in one line, nothing hidden in it, so many characters of it."""
    shown = printable(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"
