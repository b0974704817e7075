"""The charts of capacity: room, what is taken of it, what is wanted, and below it who waits, for what. Needs the extra `notebooks`.

Text of events enters a chart as data only, as in `timeline.pages.charts`. Panels move in
time together; a reason that is chosen in the legend stands out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import altair as alt
import polars as pl

from ingest.errors import UsageError
from timeline.drawn.capacity import Capacity
from timeline.pages.chart_data import cut, data_of
from timeline.pages.charts import NAME_MAX, time_axis
from timeline.pages.looks import FAINT, INK, LEAK, OTHERS
from timeline.words import short

Chart = TypeVar("Chart", alt.LayerChart, alt.VConcatChart)

WIDTH = 780
"""Pixels; the names and sums beside it take as much again as a third of it."""
POOL_HEIGHT, WAITS_HEIGHT, BAR_HEIGHT = 54, 130, 17
TAKEN, ROOM = "#9CC4E4", "#1F2933"
REASONS = {
    "queue": "#E69F00", "claim": "#F4D27A", "no_capacity": "#B3001B", "back_off": "#CC79A7", "spawn": "#0072B2", "activation": "#56B4E9",
    "reservation_wait": "#009E73", "gang_peer_missing": "#8A6FB0", "preempted": "#A0522D", "draining": "#D9A5C4", "lost_worker": "#000000",
    "lost_control_plane": "#5B6570", "lock_not_held": "#7B3F00", "dependency": "#BFE3F5",
    "quota_exceeded": "#B3001B", "stale_cache": "#D55E00", "no_node": "#A0522D", "binding": "#009E73", "starting": "#56B4E9",
    "no_leader": "#5B6570", "unknown": "#9AA5B1", "no_memory": "#B3001B", "health_check": "#7FB800", "dispatch": "#F4D27A",
    "scheduling": "#E69F00", "lost_race": "#CC79A7", "lost_node": "#000000", "unhealthy": "#D55E00", "member_not_started": "#F4D27A",
    "member_not_ready": "#E69F00", "not_released": "#B3001B", "releasing": "#56B4E9", "not_closed": "#A0522D",
}  # fmt: skip  # a table
"""Colours that a reason keeps from one log to the next; others get what is free."""


def pools_and_waits(capacity: Capacity, kind: str | None, width: int = WIDTH) -> alt.VConcatChart:
    """Every pool as a row, and below them how many workloads of that kind waited, by reason. Raises UsageError where there is neither."""
    if capacity.pools.is_empty() and capacity.waiting.is_empty():
        raise UsageError("drawing capacity: the log says of nothing how much room it has, and nothing waits in it")
    drawn = capacity.pools.head(len(capacity.steps.select("pool_kind", "pool").unique()))
    waiting = capacity.waiting.filter(pl.col("workload_kind").eq_missing(pl.lit(kind)))
    x = alt.X("from_ms:Q", scale=alt.Scale(domain=_domain(capacity), nice=False, zero=False))
    hidden, shown = x.axis(None), x.axis(time_axis(capacity.start_us, capacity.end_us))
    pools = drawn.to_dicts()
    zoom = alt.selection_interval(name="zoom", encodings=["x"], bind="scales", zoom="wheel![event.shiftKey]")
    lowest = _pool(capacity, pools.pop(), shown, width, zoom) if waiting.is_empty() else _waiting(waiting, shown, width, zoom)
    rows = [_pool(capacity, pool, hidden, width) for pool in pools]
    chart: alt.VConcatChart = alt.vconcat(*rows, lowest, spacing=16, background="white", padding=14, title=_title(capacity, len(drawn)))
    resolved: alt.VConcatChart = chart.resolve_scale(x="shared", color="independent", y="independent")
    return _styled(resolved)


def sums(capacity: Capacity, kind: str | None, width: int = WIDTH) -> alt.LayerChart:
    """The time that workloads of that kind waited, by reason, the longest first."""
    reasons = capacity.reasons.filter(pl.col("workload_kind").eq_missing(pl.lit(kind)))
    names = reasons["reason"].to_list()
    rows = [
        {"reason": cut(one["reason"], 80), "seconds": one["waited_us"] / 1e6, "says": f"{short(one['waited_us'])} · {one['share']:.1%}"}
        for one in reasons.to_dicts()
    ]
    y = alt.Y("reason:N", sort=None, title=None, axis=alt.Axis(labelColor=INK, domain=False, ticks=False, labelFontSize=11, labelLimit=150))
    base = _chart(rows).encode(x=alt.X("seconds:Q", axis=None), y=y)
    bars = base.mark_bar().encode(color=alt.Color("reason:N", scale=_colours(names), legend=None))
    words = base.mark_text(align="left", dx=6, color=INK, fontSize=11).encode(text="says:N")
    return _styled(alt.LayerChart(layer=[bars, words], width=width - 120, height=BAR_HEIGHT * max(len(rows), 1) + 6, background="white"))


def _pool(capacity: Capacity, pool: Mapping[str, Any], x: alt.X, width: int, *params: alt.Parameter) -> alt.LayerChart:
    """Taken as an area, room as a line, what is wanted beyond it in red."""
    steps = capacity.steps.filter((pl.col("pool_kind") == pool["pool_kind"]) & (pl.col("pool") == pool["pool"]))
    rows = [
        {
            "from_ms": step["ts_us"] / 1000,
            "until_ms": step["until_us"] / 1000,
            "used": step["used"],
            "room": step["room"],
            "demand": step["demand"],
            "asking": step["demand"] - step["used"],
            "clock": _clock(step["ts_us"]),
            "lasted": short(step["until_us"] - step["ts_us"]),
        }
        for step in _joined(steps, ["used", "room", "demand"]).to_dicts()
    ]
    most = max((max(row["demand"], row["room"] or 0) for row in rows), default=1) or 1
    scale = alt.Scale(domain=[0, most * 1.12], nice=False)
    axis = alt.Axis(values=[0, most], format=",d", title=None, grid=False, labelColor=FAINT, domain=False, ticks=False, labelFontSize=10)
    tips = {"used": "taken", "room": "room", "asking": "waiting", "clock": "from, UTC", "lasted": "for"}
    base = _chart(rows).encode(x, x2="until_ms:Q", tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in tips.items()])
    taken = base.mark_rect(color=TAKEN, clip=True).encode(y=alt.Y("used:Q", scale=scale, axis=axis), y2=alt.datum(0)).add_params(*params)
    unmet = base.transform_filter("datum.demand > datum.used").mark_rect(color=LEAK, opacity=0.55, clip=True)
    room = base.transform_filter("datum.room != null").mark_rule(color=ROOM, strokeWidth=1.6, clip=True)
    layers = [
        taken,
        unmet.encode(y=alt.Y("used:Q", scale=scale, axis=axis), y2="demand:Q"),
        room.encode(y=alt.Y("room:Q", scale=scale, axis=axis)),
        *_words(pool, width),
        *([_moment(capacity.at_us, x)] if capacity.at_us < capacity.end_us else []),
    ]
    return alt.LayerChart(layer=layers, width=width, height=POOL_HEIGHT)


def _moment(at_us: int, x: alt.X) -> alt.Chart:
    """The moment that is looked at."""
    rule: alt.Chart = _chart([{"from_ms": at_us / 1000}]).mark_rule(color=INK, strokeDash=[2, 2], clip=True).encode(x)
    return rule


def _words(pool: Mapping[str, Any], width: int) -> list[alt.Chart]:
    """The pool's name at the left; at the right what became of its room."""
    room = f"at most {pool['peak']:,} {pool['unit']}" if pool["room"] is None else f"at most {pool['peak']:,} of {pool['room']:,}"
    full = f"full for {short(pool['full_us'])}" if pool["full_us"] else "never full"
    name = {"name": cut(pool["pool"], NAME_MAX), "kind": cut(pool["pool_kind"], 80), "full": full, "most": room}
    left: dict[str, Any] = {"align": "right", "dx": -34, "clip": False}
    right: dict[str, Any] = {"align": "left", "dx": 10, "fontSize": 10.5, "clip": False}
    middle = POOL_HEIGHT / 2
    at = _chart([name])
    colour = LEAK if pool["full_us"] else FAINT
    return [
        at.mark_text(**left, color=INK, fontSize=11.5).encode(x=alt.value(0), y=alt.value(middle - 5), text="name:N"),
        at.mark_text(**left, color=FAINT, fontSize=9.5).encode(x=alt.value(0), y=alt.value(middle + 9), text="kind:N"),
        at.mark_text(**right, color=colour, fontWeight="bold").encode(x=alt.value(width), y=alt.value(middle - 5), text="full:N"),
        at.mark_text(**right, color=FAINT).encode(x=alt.value(width), y=alt.value(middle + 9), text="most:N"),
    ]


def _waiting(waiting: pl.DataFrame, x: alt.X, width: int, *params: alt.Parameter) -> alt.LayerChart:
    """How many waited, by reason, one upon the other: the area is the time that was waited."""
    totals = waiting.group_by("reason").agg((pl.col("waiting") * (pl.col("until_us") - pl.col("ts_us"))).sum())
    names = totals.sort("waiting", "reason", descending=[True, False])["reason"].to_list()
    place = pl.col("reason").replace_strict(names, range(len(names)), return_dtype=pl.Int64)
    stacked = waiting.sort(place, "ts_us").with_columns(top=pl.col("waiting").cum_sum().over("ts_us"))
    rows = [
        {
            "reason": cut(one["reason"], 80),
            "from_ms": one["ts_us"] / 1000,
            "until_ms": one["until_us"] / 1000,
            "bottom": one["top"] - one["waiting"],
            "top": one["top"],
            "clock": _clock(one["ts_us"]),
            "number": f"{one['waiting']:.2f}",
        }
        for one in _joined(stacked, ["reason", "waiting", "top"]).to_dicts()
    ]
    chosen = alt.selection_point(name="reason", fields=["reason"], bind="legend")
    legend = alt.Legend(
        orient="bottom", direction="horizontal", title=None, symbolType="square", labelColor=INK, symbolSize=110, offset=4, columns=7
    )
    tips = {"reason": "waits for", "number": "how many, on average", "clock": "from, UTC"}
    axis = alt.Axis(tickCount=3, labelColor=FAINT, gridColor="#E4E7EB", domain=False, ticks=False)
    bars = (
        _chart(rows)
        .mark_rect(clip=True)
        .encode(
            x,
            x2="until_ms:Q",
            y=alt.Y("bottom:Q", title=None, axis=axis),
            y2="top:Q",
            color=alt.Color("reason:N", scale=_colours(names), legend=legend),
            opacity=alt.condition(chosen, alt.value(1), alt.value(0.12)),
            tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in tips.items()],
        )
        .add_params(chosen, *params)
    )
    look: dict[str, Any] = {"align": "right", "dx": -34, "color": INK, "fontSize": 11.5, "clip": False}
    name = _chart([{}]).mark_text(text="waiting", **look).encode(x=alt.value(0), y=alt.value(WAITS_HEIGHT / 2))
    return alt.LayerChart(layer=[bars, name], width=width, height=WAITS_HEIGHT)


def _joined(frame: pl.DataFrame, values: list[str]) -> pl.DataFrame:
    """Rows that follow one another with the same values, as one: what is drawn in one piece has no seams."""
    is_other = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in values)
    begins = is_other | (pl.col("ts_us") != pl.col("until_us").shift(1))
    rest = [name for name in frame.columns if name not in {"ts_us", "until_us"}]
    piece = frame.with_columns(piece=begins.fill_null(True).cum_sum()).group_by("piece", maintain_order=True)
    return piece.agg(pl.col("ts_us").min(), pl.col("until_us").max(), *(pl.col(name).last() for name in rest))


def _title(capacity: Capacity, drawn: int) -> alt.TitleParams:
    """What is drawn and what was folded, in words and numbers of ours."""
    left_out = len(capacity.pools) - drawn
    below = [
        "blue is taken, red waits for it, the black line is the room there is",
        "drag the lowest panel to move in time, shift and wheel to zoom",
        f"{capacity.folded:,} steps folded into their neighbours" if capacity.folded else "",
        f"{left_out:,} pools that were less full are not drawn" if left_out else "",
    ]
    return alt.TitleParams("Room, and who waits for it", subtitle=" · ".join(filter(None, below)))


def _colours(names: Sequence[str]) -> alt.Scale:
    """A colour for each reason, in this order."""
    free = [colour for colour in OTHERS if colour not in REASONS.values()] or list(OTHERS)
    unknown = [name for name in names if name not in REASONS]
    ours = REASONS | {name: free[place % len(free)] for place, name in enumerate(unknown)}
    return alt.Scale(domain=[cut(name, 80) for name in names], range=[ours[name] for name in names])


def _styled(chart: Chart) -> Chart:
    styled: Chart = (
        chart.configure(font="DejaVu Sans, Helvetica, Arial, sans-serif")
        .configure_view(stroke=None)
        .configure_title(anchor="start", fontSize=15, color=INK, subtitleColor=FAINT, subtitleFontSize=11.5, subtitlePadding=4, offset=10)
    )
    return styled


def _chart(rows: Iterable[Mapping[str, Any]]) -> alt.Chart:
    return alt.Chart(data_of(rows))


def _domain(capacity: Capacity) -> list[float]:
    return [capacity.start_us / 1000, max(capacity.end_us, capacity.start_us + 1) / 1000]


def _clock(at_us: int) -> str:
    clock: str = pl.Series([at_us]).cast(pl.Datetime("us")).dt.strftime("%H:%M:%S%.3f").item()
    return clock
