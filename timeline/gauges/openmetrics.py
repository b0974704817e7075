"""Text for Prometheus: what it scrapes, and the history that `promtool tsdb create-blocks-from openmetrics` loads.

A scrape has no times, so that Prometheus notices at once when nobody answers; history has nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl

from timeline.safe import printable

if TYPE_CHECKING:
    from timeline.api import Timeline
    from timeline.gauges import Gauge

LABEL_BYTES_MAX = 128
SCRAPE_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of a scrape."""


def label_value(text: str | None) -> str:
    """`text` as the value of a label: hostile characters spelled out, at most 128 bytes of UTF-8; `none` for nothing."""
    shown = printable(text or "none").replace("\t", " ")
    return shown.encode()[:LABEL_BYTES_MAX].decode(errors="ignore")


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels of a series in braces, as a scrape and PromQL write them."""
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def exposition(log: Timeline, measured_us: int) -> bytes:
    """What a scrape of that database answers: the gauges of its live runs and its own, and that they were measured at `measured_us`.

    `measured_us` is the clock of the machine that measures, microseconds UTC: it shows when a measurement is old.
    """
    return scrape(log.live_gauges(), measured_us)


def scrape(gauges: Iterable[Gauge], measured_us: int | None, *, is_up: bool = True) -> bytes:
    """These gauges as they are now, and `timeline_up`. Where a database cannot be measured, give no gauges and `is_up=False`.

    `measured_us` is when the last measurement succeeded; None if none ever did.
    """
    own = {"timeline_up": "1" if is_up else "0"}
    if measured_us is not None:
        own["timeline_measured_timestamp_seconds"] = f"{measured_us // 1_000_000}.{measured_us // 1000 % 1000:03d}"
    lines = [line for name, value in own.items() for line in (*_head(name, "gauge", OWN[name]), f"{name} {value}")]
    lines += [line for name, family in _families(gauges) for line in _scraped(name, family)]
    return ("\n".join(lines) + "\n").encode()


OWN = {
    "timeline_up": "Whether the database could be measured.",
    "timeline_measured_timestamp_seconds": "When the gauges were last measured, by the clock of the machine that measures.",
}
"""What a scrape says of itself."""


def history(gauges: Iterable[Gauge]) -> str:
    """Every sample with its time, in OpenMetrics: series by series, times ascending; ends with `# EOF`."""
    return "\n".join([*(line for name, family in _families(gauges) for line in _told(name, family)), "# EOF", ""])


def _families(gauges: Iterable[Gauge]) -> Iterator[tuple[str, list[Gauge]]]:
    """Gauges of one name together, in order of name: a text that says a name's head twice is refused."""
    ordered = sorted(gauges, key=lambda gauge: (gauge.name, gauge.run_id or ""))
    return ((name, list(family)) for name, family in groupby(ordered, key=lambda gauge: gauge.name))


def _head(name: str, sort: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {_escaped(text)}"
    yield f"# TYPE {name} {sort}"


def _scraped(name: str, family: list[Gauge]) -> Iterator[str]:
    yield from _head(name, "counter" if family[0].is_counter else "gauge", family[0].help)
    for gauge in family:
        yield from gauge.samples.select(line=pl.format("{}{} {}", pl.lit(name), _series(gauge), "value"))["line"]


def _told(name: str, family: list[Gauge]) -> Iterator[str]:
    first = family[0]
    # OpenMetrics names a counter without the `_total` of its samples.
    yield from _head(name.removesuffix("_total"), "counter" if first.is_counter else "gauge", first.help)
    if first.unit:
        yield f"# UNIT {name} {first.unit}"
    seconds = pl.format("{}.{}", pl.col("at_us") // 1_000_000, (pl.col("at_us") // 1000 % 1000).cast(pl.String).str.zfill(3))
    for gauge in family:
        line = pl.format("{}{} {} {}", pl.lit(name), _series(gauge), "value", seconds)
        yield from gauge.samples.select(line=line)["line"]


def _series(gauge: Gauge) -> pl.Expr:
    """The labels of each sample in braces, the run first; nothing where there are none."""
    run = [] if gauge.run_id is None else [pl.lit(f'run="{_escaped(label_value(gauge.run_id))}"')]
    labels = [*run, *(pl.format(f'{name}="{{}}"', _escaped_column(name)) for name in gauge.labels)]
    return pl.format("{{{}}}", pl.concat_str(labels, separator=",")) if labels else pl.lit("")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escaped_column(name: str) -> pl.Expr:
    column = pl.col(name)
    for character, spelled in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        column = column.str.replace_all(character, spelled, literal=True)
    return column
