"""Who led a run, in words: the answer, the rows of its tables, where its lanes lead."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from timeline.drawn.led import Led
from timeline.links import Link, notebook_link
from timeline.words import clock, count, short

LEADERSHIPS = ("lease", "held by", "term", "from, UTC", "for", "ended by", "then nobody for")
LOOPS = ("loop", "last run by", "passes", "promised every", "longest silence", "since, UTC")
INCARNATIONS = ("instance", "incarnation", "first decision, UTC", "for", "decisions", "at the end")
GAPS = ("actor", "incarnation", "missing", "after, UTC", "before, UTC")
"""Headings of the rows that the functions of these names give."""
TITLE = ("Leases, loops, processes", "red is when nobody held a lease, or a loop was late; a name leads to what happened to it")
"""What stands above the lanes."""


def vacant_us(one: Led, lease: str) -> int:
    """How long nobody held a lease that somebody held before."""
    return int(one.leaderships.filter(lease=lease)["vacant_us"].sum())


def answer(one: Led) -> str:
    """Who led, and where nobody did, in a few sentences."""
    leases = one.leaderships["lease"].unique(maintain_order=True).to_list()
    worst = max(leases, key=lambda lease: vacant_us(one, lease), default=None)
    says = [_of_lease(one, worst)] if worst is not None else []
    kept = sum(not vacant_us(one, lease) for lease in leases if lease != worst)
    if kept:
        says.append(f"{count(kept, 'other lease')} had a holder all the time.")
    late = one.loops.filter(pl.col("late") > 0).sort("silent_us", descending=True).to_dicts()
    if late:
        longest = f"the longest is {short(late[0]['silent_us'])} without a pass of {late[0]['loop']}"
        says.append(f"{len(late)} of {count(len(one.loops), 'loop')} fell silent: {longest}.")
    elif len(one.loops):
        says.append(f"{count(len(one.loops), 'loop')} never fell silent.")
    nodes = one.lanes.stretches.filter(panel="node lease")
    if len(nodes):
        ran_out = len(nodes) - int(nodes["is_open"].sum())
        says.append(f"{count(nodes['id'].n_unique(), 'node')} had leases; of these ran out or were replaced: {ran_out}.")
    if not says:
        says.append("Nothing is led here: the log has no lease and no loop.")
    says.append(f"{count(len(one.incarnations), 'incarnation')} of {count(one.incarnations['instance'].n_unique(), 'instance')} took part.")
    missing = int((one.gaps["last_missing"] - one.gaps["first_missing"] + 1).sum())
    says.append(
        f"{count(missing, 'event')} of {count(one.gaps['actor'].n_unique(), 'actor')} are missing." if missing else "No event is missing."
    )
    return " ".join(says)


def _of_lease(one: Led, lease: str) -> str:
    held = one.leaderships.filter(lease=lease)
    holders = held["holder"].n_unique()
    vacant = vacant_us(one, lease)
    whole = short(one.end_us - one.start_us)
    last = held.to_dicts()[-1]
    by = f"The lease {lease} was held {count(len(held), 'time')} by {count(holders, 'holder')}"
    if not vacant:
        return f"{by}, all the time." if len(held) > 1 else f"The lease {lease} was held by {last['holder']} all the time."
    end = f", at last for {short(last['vacant_us'])} to the end of the log" if last["vacant_us"] else ""
    return f"{by}; nobody held it for {short(vacant)} of {whole}{end}."


def leaderships(one: Led) -> list[tuple[object, ...]]:
    """A row each, in order of lease and time."""
    return [
        (
            _object(one, "lease", row["lease"]),
            row["holder"] if row["holder"] not in _planes(one) else _object(one, "control_plane", row["holder"], row["holder"]),
            row["term"],
            clock(row["ts_us"]),
            short(row["dur_us"]),
            "still leads" if row["is_open"] else row["ended_by"],
            short(row["vacant_us"]) if row["vacant_us"] else "",
        )
        for row in one.leaderships.to_dicts()
    ]


def loops(one: Led) -> list[tuple[object, ...]]:
    """A row each, those that fell silent first."""
    return [
        (
            row["loop"],
            row["by_whom"],
            f"{row['passes']:,}",
            short(row["interval_us"]),
            short(row["silent_us"]) + (" ◀ late" if row["late"] else ""),
            clock(row["since_us"]),
        )
        for row in one.loops.to_dicts()
    ]


def incarnations(one: Led) -> list[tuple[object, ...]]:
    """A row each, in order of instance and time."""
    return [
        (
            row["instance"],
            _object(one, "control_plane", row["incarnation"], row["incarnation"]) if row["is_plane"] else row["incarnation"],
            clock(row["ts_us"]),
            short(row["until_us"] - row["ts_us"]),
            f"{row['decisions']:,}",
            row["ended"],
        )
        for row in one.incarnations.to_dicts()
    ]


def gaps(one: Led) -> list[tuple[object, ...]]:
    """A row each, in order of time."""
    return [
        (
            row["actor"],
            row["incarnation"],
            f"{row['first_missing']} to {row['last_missing']}",
            "the beginning" if row["before_us"] is None else clock(row["before_us"]),
            clock(row["after_us"]),
        )
        for row in one.gaps.to_dicts()
    ]


def _planes(one: Led) -> set[str]:
    return set(one.incarnations.filter(pl.col("is_plane"))["incarnation"].to_list())


def _object(one: Led, kind: str, id_: str, text: str | None = None) -> Link:
    return Link(text or id_, notebook_link("", "what_happened", run=one.run_id, object=f"{kind}/{id_}"))


def leads(one: Led) -> Callable[[str, str], str | None]:
    """Where a lane leads: to what happened to its object, where the log names one."""
    names = {"lease": "lease/{}", "lock": "{}", "node lease": "node/{}"}
    return lambda panel, id_: (
        notebook_link("", "what_happened", run=one.run_id, object=names[panel].format(id_)) if panel in names else None
    )
