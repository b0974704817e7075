"""The scores as JSON and as docs/scores.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from ingest.duration import duration
from reference_cluster.sweeps.score import DetectorScore, Scores

HEADINGS = ("detector", "true positives", "misses", "false alarms", "precision", "recall", "delay", "ms per 100,000 events")
_METHOD = (
    "A run is the unit. Where a planted bug did harm, each of its detectors must find something: a true positive, else a miss. "
    "What a detector finds in a run without a bug is a false alarm. The delay runs from the harm, as the truth file gives it, to the "
    "first second as of which `timeline detect --as-of` finds it; it is measured on one run a bug, and the median is shown. "
    "A detector without true positives has no planted bug of its own: it is proven by the stories in `tests/detectors`."
)
"""What the figures mean."""


def document(scores: Scores) -> dict[str, Any]:
    """The scores as plain JSON."""
    return {
        "runs": {"planted": sum(bug.runs for bug in scores.bugs.values()), "twins": scores.twins, "healthy": scores.healthy},
        "events": scores.events,
        "mutation": {"bugs": len(scores.bugs), "caught": len(scores.bugs) - len(scores.survivors), "survivors": scores.survivors},
        "detectors": {
            name: {
                "true_positives": each.true_positives,
                "misses": each.misses,
                "false_alarms": each.false_alarms,
                "precision": each.precision,
                "recall": each.recall,
                "delays_us": each.delays_us,
                "seconds": round(each.seconds, 3),
            }
            for name, each in scores.detectors.items()
        },
        "bugs": {
            name: {
                "catalogue_id": each.bug.catalogue_id,
                "runs": each.runs,
                "harmed": each.harmed,
                "caught": each.caught,
                "also": sorted(each.also),
            }
            for name, each in scores.bugs.items()
        },
    }


def headline(scores: Scores) -> str:
    """The scores in a sentence."""
    alarms = sum(len(each.false_alarms) for each in scores.detectors.values())
    misses = sum(len(each.misses) for each in scores.detectors.values())
    survivors = f"; not caught, or without harm: {', '.join(scores.survivors)}" if scores.survivors else ""
    return (
        f"{len(scores.bugs) - len(scores.survivors)} of {len(scores.bugs)} planted bugs caught wherever they did harm, {misses} misses, "
        f"{alarms} false alarms in {scores.twins} clean twins and {scores.healthy} healthy runs{survivors}"
    )


def detector_rows(scores: Scores) -> list[tuple[str, ...]]:
    """A row for each detector, under HEADINGS."""
    return [
        (
            name,
            str(each.true_positives),
            str(len(each.misses)),
            str(len(each.false_alarms)),
            _part(each.precision),
            _part(each.recall),
            _delay(each),
            f"{1e8 * each.seconds / scores.events:.0f}" if scores.events else "",
        )
        for name, each in scores.detectors.items()
    ]


def page(scores: Scores) -> str:
    """The page as Markdown."""
    bugs = [
        (
            f"`{name}`",
            each.bug.catalogue_id,
            f"`{each.bug.scenario}`",
            f"{each.harmed} of {each.runs}",
            str(each.caught),
            ", ".join(f"`{also}`" for also in sorted(each.also)),
        )
        for name, each in scores.bugs.items()
    ]
    wrong = [
        f"- `{name}` {what}: {', '.join(runs)}"
        for name, each in scores.detectors.items()
        for what, runs in (("missed", each.misses), ("accused falsely", each.false_alarms))
        if runs
    ]
    parts = [
        "# Scores of the detectors",
        "<!-- made by `make score`; the figures come from simulated runs, whose truth is known -->",
        headline(scores) + ".",
        _METHOD,
        "## By detector",
        _table(HEADINGS, ((f"`{row[0]}`", *row[1:]) for row in detector_rows(scores))),
        "## By planted bug",
        "*Also* names other detectors that found something while the bug was on: the harm was real, so they are not counted.",
        _table(("switch", "catalogue", "scenario", "did harm", "caught", "also"), bugs),
        *(["## Misses and false alarms", "\n".join(wrong)] if wrong else []),
    ]
    return "\n\n".join(parts) + "\n"


def _part(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _delay(each: DetectorScore) -> str:
    return duration(round(median(each.delays_us) / 100_000) * 100_000) if each.delays_us else ""


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
