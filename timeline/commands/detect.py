"""`timeline detect`: what leaked, which rule was broken."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from timeline.completion import detectors_named
from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, note, print_json, print_line, print_parts
from timeline.watch import watchable

if TYPE_CHECKING:
    from timeline.findings import Finding, Report

FOUND = 1


@watchable
def command(
    detector: Annotated[
        list[str] | None,
        typer.Option("--detector", metavar="D", autocompletion=detectors_named, help="Only this detector; may be given again."),
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="T", help="Judge the log as it was at this moment.")] = None,
    param: Annotated[list[str] | None, typer.Option("--param", metavar="D.P=V", help="A detector's parameter; may be given again.")] = None,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="SEVERITY", help="Exit 1 on a finding of this severity or worse.")
    ] = None,
    run: Run = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Judge the log: every leak and broken rule, with the events that prove it.

    A verdict is `found`, `pending` (the log ends too early to say) or `unknown` (the log lacks what the detector needs).
    Only `found` counts for --fail-on.

    Example:
        timeline detect --detector warm_pool/stale_hot_idle --fail-on warning
    """
    import timeline
    from timeline.findings import at_least

    if fail_on is not None:
        at_least(fail_on, fail_on)
    with timeline.open(db, note) as log:
        as_of_us = None if as_of is None else log.moment(as_of, run)
        report = log.detect(detector or [], as_of_us, _params(param or []), run)
        failing = [] if fail_on is None else [one for one in report.findings if one.verdict == "found" and at_least(one.severity, fail_on)]
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        _print(report)
    if failing:
        note(f"{len(failing)} findings of severity {fail_on} or worse")
        raise typer.Exit(FOUND)


def _params(texts: list[str]) -> dict[str, int]:
    from ingest.errors import UsageError

    params: dict[str, int] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            params[name] = int(value)
        except ValueError:
            raise UsageError(
                f"reading --param {text!r}: write DETECTOR.PARAMETER=WHOLE_NUMBER; microseconds where the name ends in _us"
            ) from None
    return params


def _print(report: Report) -> None:
    """Each finding in its own words, the worst first; then which detectors are silent, and which could not judge."""
    if not report.findings:
        print_line("no findings")
    runs = {one.run_id for one in report.findings}
    for one in report.findings:
        _print_finding(one, is_alone=len(runs) == 1)
    print_line()
    for verdict, names in sorted(_by_verdict(report).items()):
        told = "" if verdict == "clean" else f": {', '.join(_by_family(names, report))}"
        print_parts((verdict, verdict), f": {len(names)} of {len(report.verdicts)} detectors{told}", hang=4)


def _print_finding(one: Finding, *, is_alone: bool) -> None:
    from timeline.moment import shown

    until = "lasts" if one.until is None else f"until {shown(one.until)}"
    cost = "" if one.cost is None else f", {one.cost.amount:g} {one.cost.unit}"
    print_parts(one.finding_id, "  ", (one.severity, one.severity), "  ", (one.verdict, one.verdict), "  ", (one.detector, "what"), hang=4)
    print_parts("    ", one.says, hang=4)
    print_parts("    ", (f"since {shown(one.since)}, {until}{cost}" + ("" if is_alone else f", run {one.run_id}"), "aside"), hang=4)


def _by_verdict(report: Report) -> dict[str, list[str]]:
    return {verdict: [name for name, given in report.verdicts.items() if given == verdict] for verdict in set(report.verdicts.values())}


def _by_family(names: list[str], report: Report) -> list[str]:
    """The detectors, a family as one where all of it has the same verdict."""
    families = Counter(name.partition("/")[0] for name in report.verdicts)
    told = []
    for family, members in groupby(names, key=lambda name: name.partition("/")[0]):
        some = list(members)
        told += [f"all {len(some)} of {family}"] if len(some) == families[family] and len(some) > 1 else some
    return told
