"""Prints docs/reference_cluster.md: scenarios, planted bugs, faults and life cycles, from the places that define them.

Run by `make docs`; a test fails when the page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from reference_cluster import subsystems
from reference_cluster.bugs import declared_bugs, modules_of
from reference_cluster.lifecycle import Lifecycle
from reference_cluster.scenario import load, names
from reference_cluster.sim.fault_table import ACTS, MEDDLINGS

PAGE = "reference_cluster.md"


def page() -> str:
    """The page as Markdown."""
    parts = [
        "# The reference cluster",
        "<!-- made by `make docs` from reference_cluster; change it there -->",
        "A control plane as programs that await effects, in a simulator that repeats to the byte. `timeline cluster simulate` runs it.",
        "## Scenarios",
        _table(["scenario", "what it shows", "seed document"], _scenarios()),
        "## Planted bugs",
        "Each is a switch, off by default: the defect of a real system. With the switch off the same scenario is its clean twin.",
        _table(["switch", "catalogue", "scenario", "detectors", "what goes wrong"], _bugs()),
        "## Faults",
        "Params of each: `label` (glob of what a program calls its effect) and `nth`; those in the last column are required.",
        _table(["fault", "what it does", "effects", "required"], _faults()),
        "## Life cycles",
        *(f"### {lifecycle.name}\n\n{_diagram(lifecycle)}" for lifecycle in _lifecycles()),
    ]
    return "\n\n".join(parts) + "\n"


def _lifecycles() -> list[Lifecycle]:
    found = {value.name: value for module in modules_of(subsystems) for value in vars(module).values() if isinstance(value, Lifecycle)}
    return [found[name] for name in sorted(found)]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _scenarios() -> Iterator[Sequence[str]]:
    for name in names():
        scenario = load(name)
        yield f"`{name}`", f"{scenario.title}. {scenario.shows}", scenario.seed_document


def _bugs() -> Iterator[Sequence[str]]:
    for bug in declared_bugs().values():
        yield f"`{bug.name}`", bug.catalogue_id, f"`{bug.scenario}`", ", ".join(f"`{name}`" for name in bug.detectors), bug.story


def _faults() -> Iterator[Sequence[str]]:
    for name, act in sorted(ACTS.items()):
        yield f"`{name}`", _sentence(act.__doc__), "processes", ""
    for name, meddling in sorted(MEDDLINGS.items()):
        done = meddling.instead or meddling.after
        about = ", ".join(effect.__name__ for effect in meddling.effects) + (f" `{meddling.label}`" if meddling.label != "*" else "")
        yield f"`{name}`", _sentence(done.__doc__), about, ", ".join(f"`{need}`" for need in meddling.needs)


def _sentence(doc: str | None) -> str:
    return " ".join((doc or "").split())


def _diagram(lifecycle: Lifecycle) -> str:
    moves = (f"    {state} --> {to}: {move}" for state, row in lifecycle.table.items() for move, to in row.items())
    ends = (f"    {state} --> [*]" for state in sorted(lifecycle.terminal()))
    return "\n".join(["```mermaid", "stateDiagram-v2", *moves, *ends, "```"])


if __name__ == "__main__":
    (Path(sys.argv[1]) / PAGE).write_text(page(), encoding="utf-8")
