"""The back-test of the alert rules over every scenario: `python -m tests.backtest -o docs/alerts.md` (`make backtest`).

Each planted bug, each clean twin and each healthy scenario is run with many seeds, and every shipped rule is tried on the
recordings in a real Prometheus (`timeline.alerting.backtest`). Ends with 1 where an alert misses harm that lasted longer than it waits, or
cries for nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from reference_cluster.bugs import labelled
from reference_cluster.sweeps.fleet import cores, shown, spread
from reference_cluster.sweeps.judging import HEALTHY, Batch, batches, chosen, run_of
from timeline.alerting.alerts import alerts
from timeline.alerting.backtest import HEADINGS, Harm, Tried, rows, watched
from timeline.alerting.backtest_prometheus import tried
from timeline.api import Timeline
from timeline.files import write_whole
from timeline.moment import moment_us

INTRODUCTION = """\
# What the alerts caught

<!-- made by `make backtest`; the figures come from simulated runs, whose truth is known -->

{headline}

Every shipped rule is tried on every run in a real Prometheus, scraped and evaluated every 15 seconds. A finding counts from the first
scrape at which the log proved it, and not from when the fault began (docs/decisions/0013). After the end of a log the last values
are held for six minutes, as a server goes on being scraped that hears nothing new.

An alert is *caught* where a planted bug that its detector is for did harm, and it fired; *missed* where the harm was there for longer
than the alert waits, and it did not; *cut off* where the run ended before that. A *false alarm* is an alert in a run without any
planted bug. The delay runs from the harm, as the truth file notes it, to the alert: the time until the fault can be proven, then up
to a scrape, then what the alert waits for. It is negative where a detector can prove the cause before the harm is noted. An alert
without a figure has no planted bug of its own in these runs: it is proven by its promtool test (`timeline rules --tests FILE`).

Try your own recordings: `timeline rules --backtest timeline.duckdb`, with `--truth FILE` where you know what really went wrong.
"""


def attempt(batch: Batch) -> list[Tried]:
    """What becomes of every alert in the runs of a batch."""
    runs = [run_of(batch.scenario, seed, batch.bug) for seed in batch.seeds]
    harms = [
        Harm(run.run_id, row["name"], moment_us(row["time"]), frozenset(row["detectors"]))
        for run in runs
        for row in labelled(run.truth, run.run_id)
        if row["kind"] == "bug"
    ]
    with Timeline.in_memory(line for run in runs for line in run.lines) as log:
        watches, gauges = watched(log)
    return tried(watches, gauges, harms)


def total(answers: Iterable[Sequence[Tried]]) -> list[Tried]:
    """The answers of all batches put together, in order of the rules."""
    together = {alert.name: Tried(alert) for alert in alerts()}
    for answer in answers:
        for one in answer:
            together[one.alert.name].add(one)
    return list(together.values())


def page(results: Sequence[Tried], headline: str) -> str:
    """The figures as a Markdown page."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *rows(results)]
    wrong = [
        f"- `{one.alert.name}` {what}: {', '.join(names)}"
        for one in results
        for what, names in (("missed", one.missed), ("cried for nothing", one.false_alarms))
        if names
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n".join(
        [INTRODUCTION.format(headline=headline), table, *(["", "## Misses and false alarms", "", *wrong] if wrong else []), ""]
    )


def main() -> int:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=20, help="runs of each planted bug and of each clean twin")
    options.add_argument("--healthy", type=int, default=100, help="runs of each healthy scenario")
    options.add_argument("--bug", action="append", default=[], help="only that bug and its twin; may be given again")
    options.add_argument("--workers", type=int, default=cores())
    options.add_argument("-o", "--out", type=Path, help="write the page there")
    asked = options.parse_args()
    work = batches(*chosen(None, asked.bug), asked.seeds, asked.healthy)
    results = total(answer for _, answer in shown(spread(attempt, work, asked.workers), len(work), "batches"))
    runs = {what: sum(len(batch.seeds) for batch in work if is_of(batch)) for what, is_of in SORTS.items()}
    missed, false = (sum(len(names) for names in each) for each in zip(*((one.missed, one.false_alarms) for one in results), strict=True))
    headline = (
        f"{runs['bug']} runs with a planted bug, {runs['twin']} without any, {runs['healthy']} healthy ones: "
        f"{sum(one.caught for one in results)} alerts caught what they are for, {missed} missed it, "
        f"{sum(one.cut_off for one in results)} were cut off by the end of a run, {false} were false."
    )
    text = page(results, headline)
    if asked.out is None:
        sys.stdout.write(text)
    else:
        write_whole(asked.out, text)
    return 1 if missed or false else 0


SORTS = {
    "bug": lambda batch: batch.bug is not None,
    "twin": lambda batch: batch.bug is None and HEALTHY not in batch.scenario,
    "healthy": lambda batch: batch.bug is None and HEALTHY in batch.scenario,
}

if __name__ == "__main__":
    sys.exit(main())
