"""OpenMetrics text: what Prometheus scrapes, and what `promtool tsdb create-blocks-from openmetrics` loads as history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import polars as pl

from timeline.safe import printable

if TYPE_CHECKING:
    from timeline.gauges import Gauge

LABEL_BYTES_MAX = 128


def label_value(text: str | None) -> str:
    """`text` as the value of a label: hostile characters spelled out, at most 128 bytes of UTF-8; `none` for nothing."""
    shown = printable(text or "none").replace("\t", " ")
    return shown.encode()[:LABEL_BYTES_MAX].decode(errors="ignore")


def history(gauges: Iterable[Gauge]) -> str:
    """Every sample with its time, series by series, times ascending; ends with `# EOF`."""
    return "\n".join([*(line for gauge in gauges for line in _family(gauge)), "# EOF", ""])


def _family(gauge: Gauge) -> Iterator[str]:
    yield f"# HELP {gauge.name} {_escaped(gauge.help)}"
    yield f"# TYPE {gauge.name} gauge"
    if gauge.unit:
        yield f"# UNIT {gauge.name} {gauge.unit}"
    labels = [pl.format(f'{name}="{{}}"', _escaped_column(name)) for name in gauge.labels]
    series = pl.format("{{{}}}", pl.concat_str(labels, separator=",")) if labels else pl.lit("")
    seconds = pl.format("{}.{}", pl.col("at_us") // 1_000_000, (pl.col("at_us") // 1000 % 1000).cast(pl.String).str.zfill(3))
    line = pl.format("{}{} {} {}", pl.lit(gauge.name), series, "value", seconds)
    yield from gauge.samples.select(line=line)["line"]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escaped_column(name: str) -> pl.Expr:
    column = pl.col(name)
    for character, spelled in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        column = column.str.replace_all(character, spelled, literal=True)
    return column
