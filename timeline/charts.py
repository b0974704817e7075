"""The swim-lane chart: who led, which workers did what, and where capacity leaked. Needs the extra `notebooks`.

Text of events enters a chart as data only: field names, titles, colours and orders are written here. Microseconds become
the milliseconds of Vega at this edge and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import altair as alt
import polars as pl

from ingest.duration import duration
from ingest.errors import UsageError
from timeline.files import write_whole
from timeline.lanes import ENDS, Lanes
from timeline.safe import printable

WIDTH = 820
LANE = 22
"""Height of a lane in pixels."""
NAME_MAX = 26
"""Characters of a name that have room beside a lane."""

# Told apart by everybody, on paper too: hues after Okabe and Ito ("Color Universal Design", 2008), each with its own lightness.
STATES = {
    "spawning": "#C3CAD2",
    "idle": "#F4E3A1",
    "reserved": "#BFE3F5",
    "activating": "#56B4E9",
    "hot": "#0072B2",
    "hot_idle": "#E69F00",
    "draining": "#CC79A7",
}
OTHERS = ("#F4E3A1", "#BFE3F5", "#0072B2", "#CC79A7", "#E69F00", "#009E73", "#8A6FB0", "#A0522D", "#5B6570")
"""For the states of other families, in order of name: those that no state of a worker has in the same picture."""
ENDED = {"lost": "#000000", "failed": "#B3001B"}
"""Marks of the ends that are bad; the others are grey."""
LEADER, ALIVE, SESSION, LEAK, INK, FAINT = "#2F4B66", "#DDE3E9", "#08314C", "#B3001B", "#1F2933", "#7B8794"

DAY_US = 86_400_000_000
TICKS = 10
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000)
"""Seconds between two marks of the time axis."""

_CLIP = re.compile(r'(?:(?<=id=")|(?<=url\(#))clip\d+(?=["\)])')
HEADINGS = {"lease": "LEADER", "control_plane": "CONTROL PLANES", "worker": "WORKERS", "memory": "IN MEMORY OF"}


def swim_lanes(lanes: Lanes, width: int = WIDTH) -> alt.VConcatChart:
    """The chart of those lanes. Raises UsageError where there is none."""
    if lanes.lanes.is_empty():
        raise UsageError("drawing lanes: the log has nothing that a model has intervals of; `timeline objects` lists what it has")
    present = dict.fromkeys(lanes.lanes["panel"].to_list())
    panels = [_panel(lanes, panel, width, is_last=panel == list(present)[-1]) for panel in present]
    chart: alt.VConcatChart = alt.vconcat(*panels, spacing=14, title=_title(lanes), background="white", padding=14)
    styled: alt.VConcatChart = (
        chart.resolve_scale(color="independent", x="shared")
        .configure(font="DejaVu Sans, Helvetica, Arial, sans-serif")
        .configure_view(stroke=None)
        .configure_title(anchor="start", fontSize=15, color=INK, subtitleColor=FAINT, subtitleFontSize=11.5, subtitlePadding=4, offset=10)
    )
    return styled


def picture(chart: alt.VConcatChart, path: Path) -> None:
    """Write the chart as .png or .svg, by the suffix of `path`; nothing is asked of a network. Raises UsageError, StorageFailed."""
    import vl_convert

    match path.suffix:
        case ".png":
            write_whole(path, vl_convert.vegalite_to_png(chart.to_json(), scale=2))
        case ".svg":
            write_whole(path, svg(chart))
        case _:
            raise UsageError(f"drawing {path}: a picture is a .png or an .svg")


def svg(chart: alt.VConcatChart) -> str:
    """The chart as SVG. Vega numbers its clips through the life of the process; here they count from 1, so that the same is the same."""
    import vl_convert

    text: str = vl_convert.vegalite_to_svg(chart.to_json())
    numbers = {name: index for index, name in enumerate(dict.fromkeys(_CLIP.findall(text)), 1)}
    return _CLIP.sub(lambda match: f"clip{numbers[match[0]]}", text)


# ---- one panel


def _panel(lanes: Lanes, panel: str, width: int, *, is_last: bool) -> alt.LayerChart:
    """The lanes of one panel: vacancies behind, stretches, sessions, findings in front, names at the left."""
    rows = lanes.lanes.filter(pl.col("panel") == panel).with_row_index("lane")
    place = rows.select("id", "lane")
    height = LANE * len(rows)
    stretches = lanes.stretches.filter(pl.col("panel") == panel).join(place, on="id")
    x = alt.X("from_ms:Q", scale=_scale(lanes), axis=time_axis(lanes.start_us, lanes.end_us) if is_last else None)
    y = alt.Y("lane:O", scale=alt.Scale(domain=list(range(len(rows))), paddingInner=0.28, paddingOuter=0.14), axis=None)
    layers: list[alt.Chart | alt.LayerChart] = [_vacancies(lanes, x, height, is_named=panel == "lease")]
    layers += PAINTERS.get(panel, _states)(stretches, x, y, _colours(lanes), is_last)
    if panel == "worker":
        sessions = lanes.stretches.filter(pl.col("panel") == "session").join(place, on="id")
        layers.append(_bars(sessions, x, y, {"whom": "session"}).mark_bar(height=3, color=SESSION, opacity=0.75, clip=True))
    layers += _findings(lanes.findings.filter(pl.col("panel") == panel).join(place, on="id"), x, y, width)
    layers += _names(rows, y)
    look: dict[str, Any] = {"align": "right", "dx": -10, "color": FAINT, "fontSize": 9.5, "fontWeight": "bold"}
    layers.append(_chart(place.head(1)).mark_text(text=heading_of(panel), **look).encode(x=alt.value(0), y=alt.value(-7)))
    return alt.LayerChart(layer=layers, width=width, height=height)


def heading_of(panel: str) -> str:
    """What stands above the lanes of a panel."""
    return HEADINGS.get(panel, f"{panel.replace('_', ' ').upper()}S")


def _leaders(stretches: pl.DataFrame, x: alt.X, y: alt.Y, *_: object) -> list[alt.Chart]:
    """Who held the lease, by name."""
    held = _bars(stretches, x, y, {"whom": "leader"})
    room = alt.ExprRef("max(1, scale('x', datum.until_ms) - scale('x', datum.from_ms) - 10)")
    label: dict[str, Any] = {"align": "left", "dx": 6, "color": "white", "fontSize": 10.5, "fontWeight": "bold", "limit": room}
    return [held.mark_bar(color=LEADER, clip=True, stroke="white"), _points(stretches, x, y).mark_text(**label).encode(text="whom:N")]


def _lives(stretches: pl.DataFrame, x: alt.X, y: alt.Y, *_: object) -> list[alt.Chart]:
    """From start to end of a control plane."""
    return [_bars(stretches, x, y, {"whom": "instance"}).mark_bar(color=ALIVE, clip=True)]


def _states(stretches: pl.DataFrame, x: alt.X, y: alt.Y, colours: Mapping[str, str], is_explained: bool) -> list[alt.Chart]:
    """Bars coloured by state, and a mark where a worker ended. A legend below tells the states where that is asked for."""
    legend = alt.Legend(orient="bottom", direction="horizontal", title=None, symbolType="square", labelColor=INK, symbolSize=120, offset=4)
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    tips = {"state": "state", "whom": "owner", "pieces": "stretches in this bar"}
    bars = _bars(stretches.filter(~pl.col("state").is_in(list(ENDS))), x, y, tips).mark_bar(clip=True)
    ends = [
        _points(stretches.filter(pl.col("state") == state), x, y, {"state": "state"}).mark_tick(thickness=3, height=14, color=color)
        for state, color in {**dict.fromkeys(ENDS, FAINT), **ENDED}.items()
    ]
    return [bars.encode(color=alt.Color("state:N", scale=scale, legend=legend if is_explained else None)), *ends]


Painter = Callable[[pl.DataFrame, alt.X, alt.Y, Mapping[str, str], bool], list[alt.Chart]]
PAINTERS: dict[str, Painter] = {"lease": _leaders, "control_plane": _lives}
"""Panels whose lanes have no states."""


def _vacancies(lanes: Lanes, x: alt.X, height: int, *, is_named: bool) -> alt.LayerChart:
    """When nobody led, drawn behind every lane; said in words where the leader should stand."""
    says = [f"nobody led for {_short(until - since)}" for _, since, until in lanes.vacancies.iter_rows()]
    vacant = lanes.vacancies.with_columns(says=pl.Series(says, dtype=pl.String))
    band = _chart(vacant).mark_rect(color=LEAK, opacity=0.09, clip=True).encode(x, x2="until_ms:Q", y=alt.value(0), y2=alt.value(height))
    edge = _chart(vacant).mark_rule(color=LEAK, strokeDash=[3, 3], opacity=0.7, clip=True).encode(x, y=alt.value(0), y2=alt.value(height))
    if not is_named:
        return alt.LayerChart(layer=[band, edge])
    wide = vacant.filter(pl.col("until_us") - pl.col("ts_us") > (lanes.end_us - lanes.start_us) * 0.17)
    words = _chart(wide).mark_text(align="left", dx=8, color=LEAK, fontWeight="bold", fontSize=11)
    return alt.LayerChart(layer=[band, edge, words.encode(x, y=alt.value(LANE / 2), text="says:N")])


def _findings(findings: pl.DataFrame, x: alt.X, y: alt.Y, width: int) -> list[alt.Chart]:
    """A line under the lane for as long as it lasts, a mark where it began, and its name at the right."""
    tips = {"detector": "detector", "severity": "severity", "says": "finding"}
    line = _bars(findings, x, y, tips).mark_bar(height=3, yOffset=LANE / 2 - 3.5, color=LEAK, clip=True)
    start = _points(findings, x, y, tips).mark_point(shape="triangle-down", size=70, yOffset=3 - LANE / 2, color=LEAK, fill=LEAK, opacity=1)
    what = findings.group_by("lane", maintain_order=True).agg(
        pl.col("detector").str.split("/").list.last().str.replace_all("_", " ").unique(maintain_order=True).str.join(", ")
    )
    named = _chart(what).mark_text(align="left", dx=10, color=LEAK, fontSize=10.5).encode(y=y, x=alt.value(width), text="detector:N")
    return [line, start, named]


def _names(rows: pl.DataFrame, y: alt.Y) -> list[alt.Chart]:
    """Names of lanes; those with findings stand out."""
    style: dict[str, Any] = {"align": "right", "dx": -10, "fontSize": 11}
    rows = rows.with_columns(pl.col("id").map_elements(lambda name: _cut(name, NAME_MAX), return_dtype=pl.String))
    looks: dict[bool, dict[str, Any]] = {True: {"color": LEAK, "fontWeight": "bold"}, False: {"color": INK}}
    return [
        _chart(rows.filter(pl.col("is_marked") == marked)).mark_text(**style, **look).encode(y=y, x=alt.value(0), text="id:N")
        for marked, look in looks.items()
    ]


# ---- data, scales, words


def _colours(lanes: Lanes) -> dict[str, str]:
    """The states that have a bar and their colours: those of a worker in the order of its life, then the others by name."""
    shown = {panel for panel in lanes.lanes["panel"].to_list() if panel not in PAINTERS}
    seen = set(lanes.stretches.filter(pl.col("panel").is_in(list(shown)))["state"].to_list()) - set(ENDS)
    ours = {state: color for state, color in STATES.items() if state in seen}
    others = sorted(state for state in seen if state is not None and state not in STATES)
    free = [color for color in OTHERS if color not in ours.values()]
    return ours | {state: free[place % len(free)] for place, state in enumerate(others)}


def _bars(frame: pl.DataFrame, x: alt.X, y: alt.Y, tips: Mapping[str, str]) -> alt.Chart:
    """From `from_ms` to `until_ms` in its lane."""
    return _points(frame, x, y, tips).encode(x2="until_ms:Q")


def _points(frame: pl.DataFrame, x: alt.X, y: alt.Y, tips: Mapping[str, str] = MappingProxyType({})) -> alt.Chart:
    """At `from_ms` in its lane; hovering tells the object, `tips` (field to heading), and when."""
    fields = {"id": "object", **tips, "since": "from, UTC", "lasted": "for"}
    return _chart(frame).encode(x, y=y, tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in fields.items()])


def _chart(frame: pl.DataFrame) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[_datum(row) for row in frame.to_dicts()]))


def _datum(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row as Vega takes it: text that cannot command anything, times in milliseconds."""
    plain = {name: _cut(value) if isinstance(value, str) else value for name, value in row.items() if not name.endswith("_us")}
    if "ts_us" not in row:
        return plain
    clock = pl.Series([row["ts_us"]]).cast(pl.Datetime("us")).dt.strftime("%H:%M:%S%.3f").item()
    times = {"from_ms": row["ts_us"] / 1000, "until_ms": row["until_us"] / 1000, "since": clock}
    return {**plain, **times, "lasted": _short(row["until_us"] - row["ts_us"])}


def _cut(text: str, most: int = 200) -> str:
    shown = printable(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _short(us: int) -> str:
    """A duration as a person says it: three digits are enough."""
    step_us = 1_000_000 if us >= 10_000_000 else 1_000
    return duration(us - us % step_us)


def _scale(lanes: Lanes) -> alt.Scale:
    return alt.Scale(domain=[lanes.start_us / 1000, max(lanes.end_us, lanes.start_us + 1) / 1000], nice=False, zero=False)


def time_axis(start_us: int, end_us: int) -> alt.Axis:
    """Marks at round times of day, at most TICKS of them."""
    span_us = end_us - start_us
    step_us = next((seconds * 1_000_000 for seconds in STEPS if seconds * 1_000_000 * TICKS >= span_us), span_us + 1)
    marks = range(-(-start_us // step_us) * step_us, end_us + 1, step_us)
    form = "%H:%M:%S" if span_us < DAY_US else "%m-%d %H:%M"
    return alt.Axis(
        values=[mark_us / 1000 for mark_us in marks],
        labelExpr=f"utcFormat(datum.value, '{form}')",
        title="UTC",
        grid=True,
        gridColor="#E4E7EB",
        labelColor=INK,
        titleColor=FAINT,
        domainColor="#CBD2D9",
    )


def _title(lanes: Lanes) -> alt.TitleParams:
    """What is drawn and what was left out, in words and numbers of ours."""
    leaking = int((((lanes.lanes["panel"] == "worker") | (lanes.workers == 0)) & lanes.lanes["is_marked"]).sum())
    among = _count(lanes.workers, "worker") if lanes.workers else _count(len(lanes.lanes), "object")
    vacant_us = int((lanes.vacancies["until_us"] - lanes.vacancies["ts_us"]).sum())
    says: Sequence[str] = [
        f"Findings on {leaking} of {among}" if leaking else f"No finding on {among}",
        f"nobody led for {_short(vacant_us)} of {_short(lanes.end_us - lanes.start_us)}" if vacant_us else "",
    ]
    below = [
        f"{_count(len(lanes.findings), 'finding')} in red",
        f"{_count(lanes.elsewhere, 'finding')} about other objects" if lanes.elsewhere else "",
        f"{_count(lanes.folded, 'more lane')} folded" if lanes.folded else "",
        "thin dark bars are sessions, grey ticks retirements" if lanes.workers else "ticks are ends",
    ]
    return alt.TitleParams("; ".join(filter(None, says)), subtitle=" · ".join(filter(None, below)))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
