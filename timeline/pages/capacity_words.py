"""Capacity in words: the answer in a few sentences, and rows of tables. Plain values; pages show them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ingest.duration import duration
from timeline.drawn.capacity import Capacity
from timeline.links import Link, notebook_link
from timeline.why import RUNNING, Why
from timeline.words import count, short

NOTHING = "The log says of nothing how much room it has, and no ledger knows a workload in it. See what it has with: timeline objects"

POOL_HEADINGS = ("pool", "full for", "taken", "room", "waiting", "taken at most", "waiting at most", "waited for it, together")
WAIT_HEADINGS = ("reason", "waited, together", "share", "how many waited")
LONGEST_HEADINGS = ("workload", "waited", "longest for", "")
PART_HEADINGS = ("at", "for", "reason", "waits for", "", "from event", "to event")


def answer(capacity: Capacity) -> str:
    """Which room ran out, who waited, and for what: a few sentences with numbers."""
    return " ".join([_of_pools(capacity), *(_of_waits(capacity, kind) for kind in capacity.workloads)])


def _of_pools(capacity: Capacity) -> str:
    pools = capacity.pools.to_dicts()
    if not pools:
        return "The log says of nothing how much room it has."
    first, others = pools[0], [pool for pool in pools[1:] if pool["full_us"]]
    room = "no cap that anybody said" if first["room"] is None else f"{first['room']:,}"
    when = "where the log ends" if capacity.at_us == capacity.end_us else "at the moment that was asked for"
    taken = f"{first['peak']:,} {first['unit']} of {room} were taken at most, {first['used']:,} are {when}"
    if not first["full_us"]:
        return f"Of {count(len(pools), 'pool')} none was ever full; in {_name(first)} {taken}."
    also = "" if not others else f" {count(len(others), 'other pool')} of {len(pools)} ran out of room too."
    of_log = f"{short(first['full_us'])} of {short(capacity.end_us - capacity.start_us)}"
    return f"{_name(first)} was full for {of_log}: {taken}.{also}"


def _of_waits(capacity: Capacity, kind: str) -> str:
    waits = capacity.reasons.filter(pl.col("workload_kind") == kind).to_dicts()
    noun = kind.replace("_", " ")
    number = capacity.workloads[kind]
    if not waits:
        return f"{count(number, noun)} waited for nothing."
    most = ", ".join(f"{wait['share']:.0%} {wait['reason']}" for wait in waits[:2])
    return f"{count(number, noun)} waited {short(sum(wait['waited_us'] for wait in waits))} together: {most}."


def pool_rows(capacity: Capacity) -> list[tuple[str, ...]]:
    """The pools as values under POOL_HEADINGS: taken, room and waiting at `at_us`."""
    return [
        (
            _name(pool),
            short(pool["full_us"]),
            f"{pool['used']:,} {pool['unit']}",
            "not said" if pool["room"] is None else f"{pool['room']:,}",
            *_asked(capacity, pool, f"{pool['waiting']:,}"),
            f"{pool['peak']:,}",
            *_asked(capacity, pool, f"{pool['unmet']:,}", short(pool["waited_us"])),
        )
        for pool in capacity.pools.to_dicts()
    ]


def _asked(capacity: Capacity, pool: Mapping[str, object], *values: str) -> tuple[str, ...]:
    """Of a pool that workloads wait for. Who waits for any pool of a kind waits for none of them alone."""
    if pool["pool_kind"] in capacity.asked or not capacity.workloads:
        return values if capacity.workloads else ("not known",) * len(values)
    return (f"for any {pool['pool_kind']}",) * len(values)


def wait_rows(capacity: Capacity, kind: str | None) -> list[tuple[str, ...]]:
    """The reasons for which workloads of that kind waited, as values under WAIT_HEADINGS; they sum to the last row."""
    reasons = [one for one in capacity.reasons.to_dicts() if one["workload_kind"] == kind]
    rows = [(one["reason"], duration(one["waited_us"]), f"{one['share']:.1%}", f"{one['workloads']:,}") for one in reasons]
    return [*rows, ("all waits", duration(sum(one["waited_us"] for one in reasons)), "", "")]


def longest_rows(capacity: Capacity, kind: str | None) -> list[tuple[str, ...]]:
    """The workloads of that kind that waited longest, as values under LONGEST_HEADINGS."""
    return [
        (f"{one['workload_kind']}/{one['workload_id']}", duration(one["waited_us"]), one["reason"], "still waits" if one["is_open"] else "")
        for one in capacity.longest.to_dicts()
        if one["workload_kind"] == kind
    ]


def kind_of(capacity: Capacity, name: str | None = None) -> str | None:
    """The kind of workload to begin with: that of the object `kind/id`, else the one that waited longest; none where there is none."""
    asked = (name or "").partition("/")[0]
    waited = capacity.reasons.group_by("workload_kind", maintain_order=True).agg(pl.col("waited_us").sum())
    by_wait = waited.sort("waited_us", descending=True, maintain_order=True)["workload_kind"].to_list()
    return next((kind for kind in (asked, *by_wait, *capacity.workloads) if kind in capacity.workloads), None)


def workloads(capacity: Capacity, kind: str | None, name: str | None = None) -> list[str]:
    """Names of workloads to look at: the one that was asked for, where it is of that kind, and those that waited longest."""
    waited = [row[0] for row in longest_rows(capacity, kind)]
    return list(dict.fromkeys([*([name] if name and name.partition("/")[0] == kind else []), *waited]))


def life(why: Why) -> str:
    """Where the time of one workload went, in a sentence."""
    waits = ", ".join(f"{short(us)} {reason}" for reason, us in why.reasons.items() if reason != RUNNING and us)
    end = "has not ended" if why.ended_with is None else f"ended with {why.ended_with}"
    return f"{why.kind}/{why.id} waited {short(why.waited_us)} of {short(why.whole_us)}{': ' if waits else ''}{waits}. It {end}."


def links(why: Why) -> list[Link]:
    """Where to go on from a workload: what was decided about it."""
    return [Link("what happened to it", notebook_link("", "what_happened", run=why.run_id, object=f"{why.kind}/{why.id}"))]


def part_rows(why: Why) -> list[tuple[str, ...]]:
    """The parts of one life, as values under PART_HEADINGS; they follow one another without gap and sum to the whole."""
    return [
        (
            duration(part.since - why.log_start),
            duration(part.dur_us),
            part.reason,
            part.waits_for or "",
            part.detail or "",
            part.evidence[0],
            "open" if part.is_open else part.evidence[-1],
        )
        for part in why.parts
    ]


def _name(pool: Mapping[str, object]) -> str:
    return f"{pool['pool_kind']}/{pool['pool']}"
