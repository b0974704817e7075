"""The swim-lane chart: who led, what each object did, which decision led to which, and where capacity leaked. Needs `notebooks`.

Text of events enters a chart as data only: field names, titles, colours and orders are written here. Microseconds become
the milliseconds of Vega at this edge and nowhere else. A lane leads where its `link` says; links are made by `timeline.links`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import altair as alt
import polars as pl

from ingest.errors import UsageError
from timeline.drawn.lanes import Lanes
from timeline.drawn.stretches import ENDS, OVERLAYS
from timeline.files import write_private
from timeline.pages.chart_data import cut, data_of, rows_of
from timeline.pages.looks import ALIVE, ENDED, FAINT, INK, LEADER, LEAK, SESSION, colours
from timeline.safe import printable
from timeline.words import count, short

WIDTH = 1180
"""Width of a picture in pixels; on a page a chart is as wide as there is room."""
LANE, HEADING, GAP = 24, 17, 7
"""Heights in pixels: of a lane, of what stands above a panel, and between panels."""
NAMES, FINDINGS = 196, 176
"""Widths in pixels: of the names of lanes at the left, of the findings at the right."""
NAME_MAX, FINDING_MAX = 27, 28
"""Characters that have room there."""

DAY_US = 86_400_000_000
TICKS = 10
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000)
"""Seconds between two marks of the time axis."""

_CLIP = re.compile(r'(?:(?<=id=")|(?<=url\(#))clip\d+(?=["\)])')
HEADINGS = {"lease": "LEADER", "memory": "IN MEMORY OF", "process": "PROCESSES, BY INCARNATION"}
NAMED = {"lease": (LEADER, "white"), "lock": (LEADER, "white"), "process": (ALIVE, INK)}
"""Panels whose bars say with whom: colours of the bar and of what stands in it."""
PLAIN = {"control_plane": ALIVE, "node lease": ALIVE}
"""Panels whose bars say nothing."""
OVER = {"use": (SESSION, 3, "session"), "gap": (LEAK, 11, "events missing of")}
"""What lies in the lanes of another panel: colour, height, and what it is with."""
LEFT, RIGHT = alt.value(NAMES - 10), alt.value(alt.ExprRef(f"width - {FINDINGS - 10}"))

Link = Callable[[str, str], str | None]
"""Where the lane of a panel and an object leads; None where nowhere."""
Width = int | Literal["container"]


def swim_lanes(lanes: Lanes, width: Width = WIDTH, link: Link | None = None, title: Sequence[str] | None = None) -> alt.LayerChart:
    """The chart of those lanes; above it `title`, its second part in small, or what is found. Raises UsageError where there is no lane."""
    if lanes.lanes.is_empty():
        raise UsageError("drawing lanes: the log has nothing that a model has intervals of; `timeline objects` lists what it has")
    places, height = _placed(lanes.lanes)
    margin = _margin(len(lanes.findings) + lanes.elsewhere > 0)
    x = alt.X("from_ms:Q", scale=_scale(lanes.start_us, lanes.end_us, margin), axis=time_axis(lanes.start_us, lanes.end_us))
    y = alt.Y("top:Q", scale=alt.Scale(domain=[0, height], range=[0, height], nice=False), axis=None)
    layers = [
        _stripes(places, y, margin),
        *_vacancies(lanes, x, y, height, places),
        *_stretches(lanes, x, y, places),
        *_causes(lanes, x, y, places),
        *_decisions(lanes, x, y, places),
        *_findings(lanes, x, y, places),
        *_as_of(lanes, x, height),
        *_names(places, y, link),
    ]
    chart = alt.LayerChart(layer=layers, width=width, height=height, title=_title(lanes, title), background="white", padding=14)
    look: dict[str, Any] = {"anchor": "start", "fontSize": 15, "color": INK, "subtitleColor": FAINT, "subtitleFontSize": 11.5}
    styled: alt.LayerChart = _styled(chart.resolve_scale(color="independent")).configure_title(subtitlePadding=4, offset=8, **look)
    return styled


def picture(chart: alt.LayerChart, path: Path) -> None:
    """Write the chart as .png or .svg, by the suffix of `path`; nothing is asked of a network. Raises UsageError, StorageFailed."""
    import vl_convert

    match path.suffix:
        case ".png":
            write_private(path, vl_convert.vegalite_to_png(chart.to_json(), scale=2))
        case ".svg":
            write_private(path, svg(chart))
        case _:
            raise UsageError(f"drawing {path}: a picture is a .png or an .svg")


def svg(chart: alt.LayerChart) -> str:
    """The chart as SVG. Vega numbers its clips through the life of the process; here they count from 1, so that the same is the same."""
    import vl_convert

    text: str = vl_convert.vegalite_to_svg(chart.to_json())
    numbers = {name: index for index, name in enumerate(dict.fromkeys(_CLIP.findall(text)), 1)}
    return _CLIP.sub(lambda match: f"clip{numbers[match[0]]}", text)


def overview(activity: pl.DataFrame, span_us: tuple[int, int], width: Width = WIDTH, *, is_beside_findings: bool = False) -> alt.LayerChart:
    """How much was decided when: a bar a bucket of `activity` (ts_us, until_us, decisions, own).

    What is brushed in it is its selection `range`, in milliseconds. It stands right above lanes that have findings, or that have none.
    """
    brush = alt.selection_interval(name="range", encodings=["x"])
    x = alt.X("from_ms:Q", scale=_scale(*span_us, _margin(is_beside_findings)), axis=time_axis(*span_us))
    tips = [alt.Tooltip(f"{name}:N", title=title) for name, title in TIPS_OF_BUCKET.items()]
    rows = activity.with_columns(zero=pl.lit(0))
    every = _chart(rows).mark_rect(color="#C3CAD2").encode(x, x2="until_ms:Q", y=alt.Y("decisions:Q", axis=None), y2="zero:Q", tooltip=tips)
    own = (
        _chart(rows.filter(pl.col("own") > 0)).mark_rect(color=LEADER).encode(x, x2="until_ms:Q", y=alt.Y("own:Q", axis=None), y2="zero:Q")
    )
    return _styled(alt.LayerChart(layer=[every.add_params(brush), own], width=width, height=56, background="white", padding=14))


def _styled(chart: alt.LayerChart) -> alt.LayerChart:
    """In our letters, and without a menu that would send the data to somebody's editor."""
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    font = "DejaVu Sans, Helvetica, Arial, sans-serif"
    styled: alt.LayerChart = chart.configure(font=font, autosize=fit).configure_view(strokeWidth=0)
    return styled.properties(usermeta={"embedOptions": {"actions": False}})


TIPS_OF_BUCKET = {"since": "from, UTC", "lasted": "for", "decisions": "decisions", "own": "of them about it"}


# ---- where lanes are


def _placed(lanes: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The lanes, each with the pixel at which it begins (lane_top), and whether it is the first of its panel; and the height of all."""
    tops, heads, at, panel = [], [], 0, None
    for lane in lanes.to_dicts():
        heads.append(lane["panel"] != panel)
        if heads[-1]:
            at += HEADING + (GAP if panel is not None else 0)
            panel = lane["panel"]
        tops.append(at)
        at += LANE
    return lanes.with_columns(lane_top=pl.Series(tops, dtype=pl.Int64), is_first=pl.Series(heads, dtype=pl.Boolean)), at + 4


def _at(frame: pl.DataFrame, places: pl.DataFrame, top: float = 4.0, bottom: float = LANE - 4.0) -> pl.DataFrame:
    """The rows with what they take of their lane, in pixels."""
    placed = frame.join(places.select("panel", "id", "lane_top"), on=["panel", "id"], maintain_order="left")
    return placed.with_columns(top=pl.col("lane_top") + top, bottom=pl.col("lane_top") + bottom).drop("lane_top")


def _names(places: pl.DataFrame, y: alt.Y, link: Link | None) -> list[alt.Chart]:
    """Names of lanes, those with findings stand out; above each panel what it is."""
    rows = places.with_columns(
        name=pl.col("id").map_elements(_name, return_dtype=pl.String),
        top=pl.col("lane_top") + LANE / 2,
        link=pl.Series([_link(link, panel, id_) for panel, id_ in places.select("panel", "id").iter_rows()], dtype=pl.String),
    )
    looks: dict[bool, dict[str, Any]] = {True: {"color": LEAK, "fontWeight": "bold"}, False: {"color": INK}}
    tips = [alt.Tooltip("id:N", title="object")]
    names = [
        _chart(rows.filter(pl.col("is_marked") == marked))
        .mark_text(align="right", baseline="middle", fontSize=11, cursor="pointer" if link else "default", **look)
        .encode(y=y, x=LEFT, text="name:N", tooltip=tips, **({"href": "link:N"} if link else {}))
        for marked, look in looks.items()
    ]
    heads = rows.filter("is_first").with_columns(top=pl.col("lane_top") - 3)
    heads = heads.with_columns(heading=pl.Series([heading_of(panel) for panel in heads["panel"]], dtype=pl.String))
    style: dict[str, Any] = {"align": "right", "baseline": "alphabetic", "color": FAINT, "fontSize": 9.5, "fontWeight": "bold"}
    return [*names, _chart(heads).mark_text(**style).encode(y=y, x=LEFT, text="heading:N")]


def heading_of(panel: str) -> str:
    """What stands above the lanes of a panel."""
    return cut(HEADINGS.get(panel, f"{panel.replace('_', ' ').upper()}S"), NAME_MAX)


# ---- what is in them


def _stripes(places: pl.DataFrame, y: alt.Y, margin: int) -> alt.Chart:
    """A faint line under each lane, so that the eye stays in it."""
    rows = places.select(top=pl.col("lane_top") + LANE)
    rule: alt.Chart = _chart(rows).mark_rule(color="#EEF1F4")
    return rule.encode(y=y, x=alt.value(NAMES), x2=alt.value(alt.ExprRef(f"width - {margin}")))


def _stretches(lanes: Lanes, x: alt.X, y: alt.Y, places: pl.DataFrame) -> list[alt.Chart | alt.LayerChart]:
    """Leaders by name, lives in grey, states by colour, uses of workers as thin bars, ends as ticks."""
    rows = lanes.stretches
    is_state = ~pl.col("panel").is_in([*NAMED, *PLAIN, *OVER])
    is_end = pl.col("state").is_in(list(ENDS))
    palette = colours(rows.filter(is_state & ~is_end)["state"].unique().to_list())
    scale = alt.Scale(domain=list(palette), range=list(palette.values()))
    legend = alt.Legend(orient="bottom", direction="horizontal", title=None, symbolType="square", labelColor=INK, symbolSize=120, offset=6)
    tips = {"state": "state", "whom": "with", "pieces": "stretches in this bar"}
    states = _bars(_at(rows.filter(is_state & ~is_end), places), x, y, tips).mark_bar(clip=True)
    plain = [
        _bars(_at(rows.filter(panel=panel), places), x, y, {"whom": "with"}).mark_bar(color=color, clip=True)
        for panel, color in PLAIN.items()
    ]
    over = [
        _bars(
            _at(rows.filter(panel=panel).with_columns(panel=pl.lit(OVERLAYS[panel])), places, (LANE - high) / 2, (LANE + high) / 2),
            x,
            y,
            {"whom": whom},
        ).mark_bar(color=color, opacity=0.75, clip=True)
        for panel, (color, high, whom) in OVER.items()
    ]
    ended = [
        _bars(_at(rows.filter(pl.col("state") == state), places, 2, LANE - 2), x, y, {"state": "state"}, is_wide=False).mark_rule(
            strokeWidth=3, color=color
        )
        for state, color in {**dict.fromkeys(ENDS, FAINT), **ENDED}.items()
    ]
    return [
        *plain,
        states.encode(color=alt.Color("state:N", scale=scale, legend=legend if palette else None)),
        *(mark for panel, looks in NAMED.items() for mark in _by_name(_at(rows.filter(panel=panel), places), x, y, *looks)),
        *over,
        *ended,
    ]


def _by_name(rows: pl.DataFrame, x: alt.X, y: alt.Y, color: str, ink: str) -> list[alt.Chart]:
    """Bars with the name of whom they are with, where there is room for it."""
    room = alt.ExprRef("max(1, scale('x', datum.until_ms) - scale('x', datum.from_ms) - 10)")
    look: dict[str, Any] = {"align": "left", "baseline": "middle", "dx": 6, "dy": LANE / 2 - 4, "fontSize": 10.5, "fontWeight": "bold"}
    bars = _bars(rows, x, y, {"whom": "by", "pieces": "stretches in this bar"}).mark_bar(color=color, clip=True, stroke="white")
    return [bars, _points(rows, x, y).mark_text(color=ink, limit=room, **look).encode(text="whom:N")]


def _vacancies(lanes: Lanes, x: alt.X, y: alt.Y, height: int, places: pl.DataFrame) -> list[alt.Chart]:
    """When nobody led, drawn behind every lane; said in words where the leader should stand."""
    says = [f"nobody led for {short(until - since)}" for _, since, until in lanes.vacancies.iter_rows()]
    vacant = lanes.vacancies.with_columns(says=pl.Series(says, dtype=pl.String), panel=pl.lit("lease"))
    band = _chart(vacant).mark_rect(color=LEAK, opacity=0.09, clip=True).encode(x, x2="until_ms:Q", y=alt.value(0), y2=alt.value(height))
    edge = _chart(vacant).mark_rule(color=LEAK, strokeDash=[3, 3], opacity=0.7, clip=True).encode(x, y=alt.value(0), y2=alt.value(height))
    wide = _at(vacant.filter(pl.col("until_us") - pl.col("ts_us") > (lanes.end_us - lanes.start_us) * 0.17), places)
    words = _chart(wide).mark_text(align="left", baseline="middle", dx=8, dy=LANE / 2 - 4, color=LEAK, fontWeight="bold", fontSize=11)
    return [band, edge, words.encode(x, y=y, text="says:N")]


def _decisions(lanes: Lanes, x: alt.X, y: alt.Y, places: pl.DataFrame) -> list[alt.Chart]:
    """A dot a decision: filled where it is about the object, hollow where it led to one or came from one, red where it proves a finding."""
    look = pl.when("is_evidence").then(pl.lit("proves a finding")).when("is_own").then(pl.lit("about it")).otherwise(pl.lit("around it"))
    rows = _at(lanes.decisions.with_columns(look=look, ts_us="at_us", until_us="at_us"), places, LANE / 2)
    fills = {"around it": "white", "about it": INK, "proves a finding": LEAK}
    tips = {"kind": "decision", "actor": "by", "look": "it is", "pieces": "decisions in this dot"}
    return [
        _points(rows.filter(pl.col("look") == name), x, y, tips).mark_point(
            shape="circle", size=42, fill=fill, stroke=INK if fill != LEAK else LEAK, strokeWidth=1, opacity=1, clip=True
        )
        for name, fill in fills.items()
    ]


def _causes(lanes: Lanes, x: alt.X, y: alt.Y, places: pl.DataFrame) -> list[alt.Chart]:
    """A line from a decision to each that it led to, with its head there; within a lane the order of the dots says as much."""
    to = places.select(to_panel="panel", to_id="id", bottom=pl.col("lane_top") + LANE / 2)
    rows = _at(lanes.causes.rename({"at_us": "ts_us", "to_us": "until_us"}), places, LANE / 2).drop("bottom")
    rows = rows.join(to, on=["to_panel", "to_id"], maintain_order="left").filter(pl.col("top") != pl.col("bottom"))
    line = _bars(rows, x, y, {}).mark_rule(color=INK, opacity=0.45, strokeWidth=1, clip=True)
    is_down = pl.col("bottom") > pl.col("top")
    heads = [
        _points(rows.filter(side).with_columns(top=pl.col("bottom") + shift, ts_us="until_us"), x, y).mark_point(
            shape=shape, size=22, fill=INK, stroke=None, opacity=0.7, clip=True
        )
        for side, shape, shift in ((is_down, "triangle-down", -8), (~is_down, "triangle-up", 8))
    ]
    return [line, *heads]


def _findings(lanes: Lanes, x: alt.X, y: alt.Y, places: pl.DataFrame) -> list[alt.Chart]:
    """A line under the lane for as long as it lasts, a mark where it began, and its name at the right."""
    tips = {"detector": "detector", "severity": "severity", "says": "finding"}
    rows = _at(lanes.findings, places, LANE - 4, LANE - 1)
    line = _bars(rows, x, y, tips).mark_bar(color=LEAK, clip=True)
    start = _points(_at(lanes.findings, places, 3), x, y, tips).mark_point(shape="triangle-down", size=64, color=LEAK, fill=LEAK, opacity=1)
    named = pl.col("detector").str.split("/").list.last().str.replace_all("_", " ").unique(maintain_order=True).str.join(", ")
    what = rows.group_by("top", maintain_order=True).agg(named).with_columns(pl.col("top") - LEAD)
    names = pl.col("detector").map_elements(lambda name: cut(name, FINDING_MAX), return_dtype=pl.String)
    text = _chart(what.with_columns(name=names)).mark_text(align="left", baseline="middle", color=LEAK, fontSize=10.5)
    return [line, start, text.encode(y=y, x=RIGHT, text="name:N", tooltip=[alt.Tooltip("detector:N", title="found")])]


LEAD = LANE / 2 - 4
"""From the middle of a lane to where the line of a finding begins."""


def _as_of(lanes: Lanes, x: alt.X, height: int) -> list[alt.Chart]:
    """Where one stands: nothing right of it is known yet."""
    if lanes.as_of_us is None or lanes.as_of_us >= lanes.end_us:
        return []
    now = pl.DataFrame({"ts_us": [max(lanes.as_of_us, lanes.start_us)], "until_us": [lanes.end_us]})
    later = _chart(now).mark_rect(color="#F3F5F7").encode(x, x2="until_ms:Q", y=alt.value(0), y2=alt.value(height))
    return [later, _chart(now).mark_rule(color=INK, strokeWidth=1.5).encode(x, y=alt.value(0), y2=alt.value(height))]


# ---- data, scales, words


def _bars(frame: pl.DataFrame, x: alt.X, y: alt.Y, tips: Mapping[str, str], *, is_wide: bool = True) -> alt.Chart:
    """From `from_ms` to `until_ms` and from `top` to `bottom`."""
    marks: alt.Chart = _points(frame, x, y, tips).encode(y2="bottom:Q")
    return marks.encode(x2="until_ms:Q") if is_wide else marks


def _points(frame: pl.DataFrame, x: alt.X, y: alt.Y, tips: Mapping[str, str] = MappingProxyType({})) -> alt.Chart:
    """At `from_ms` in its lane; hovering tells the object, `tips` (field to heading), and when."""
    fields = {"id": "object", **tips, "since": "from, UTC", "lasted": "for"}
    return _chart(frame).encode(x, y=y, tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in fields.items()])


def _chart(frame: pl.DataFrame) -> alt.Chart:
    return alt.Chart(data_of(rows_of(frame)))


def _link(link: Link | None, panel: str, id_: str) -> str | None:
    return None if link is None else link("control_plane" if panel == "memory" else panel, id_)


def _margin(has_findings: bool) -> int:
    """Pixels at the right: room for the names of findings, where there are any."""
    return FINDINGS if has_findings else 16


def _name(id_: str) -> str:
    """A name as there is room for it beside a lane; of a long one its beginning and its end, where names of one kind differ."""
    shown = printable(id_)
    return shown if len(shown) <= NAME_MAX else f"{shown[: NAME_MAX // 2 - 1]}…{shown[-NAME_MAX // 2 :]}"


def _scale(start_us: int, end_us: int, margin: int) -> alt.Scale:
    domain = [start_us / 1000, max(end_us, start_us + 1) / 1000]
    return alt.Scale(domain=domain, range=[NAMES, alt.ExprRef(f"width - {margin}")], nice=False, zero=False)


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


def _title(lanes: Lanes, given: Sequence[str] | None) -> alt.TitleParams:
    """What is drawn and what was left out, in words and numbers of ours."""
    folded = [part for part in left_out(lanes) if part]
    if given is not None:
        return alt.TitleParams(given[0], subtitle=" · ".join([*given[1:], *folded]))
    leaking = int((((lanes.lanes["panel"] == "worker") | (lanes.workers == 0)) & lanes.lanes["is_marked"]).sum())
    among = count(lanes.workers, "worker") if lanes.workers else count(len(lanes.lanes), "object")
    vacant_us = int((lanes.vacancies["until_us"] - lanes.vacancies["ts_us"]).sum())
    says: Sequence[str] = [
        f"Findings on {leaking} of {among}" if leaking else f"No finding on {among}",
        f"nobody led for {short(vacant_us)} of {short(lanes.end_us - lanes.start_us)}" if vacant_us else "",
    ]
    found = [
        f"{count(len(lanes.findings), 'finding')} in red",
        f"{count(lanes.elsewhere, 'finding')} about other objects or times" if lanes.elsewhere else "",
    ]
    marks = "thin dark bars are sessions, grey ticks retirements" if lanes.workers else "ticks are ends"
    return alt.TitleParams("; ".join(filter(None, says)), subtitle=" · ".join(filter(None, [*found, *folded, marks])))


def left_out(lanes: Lanes) -> Iterable[str]:
    """What was folded, so that nobody takes the picture for the whole."""
    yield f"{count(lanes.folded, 'more lane')} folded" if lanes.folded else ""
    yield f"{count(lanes.folded_stretches, 'short stretch')} folded into longer ones" if lanes.folded_stretches else ""
    yield f"{count(lanes.folded_decisions, 'decision')} folded into others" if lanes.folded_decisions else ""
    yield f"{count(lanes.folded_causes, 'cause')} folded" if lanes.folded_causes else ""
