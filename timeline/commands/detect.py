"""`timeline detect`: what leaked, which rule was broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, note, print_json, print_line, print_table

if TYPE_CHECKING:
    from timeline.findings import Finding, Report

FOUND = 1


def command(
    detector: Annotated[list[str] | None, typer.Option("--detector", metavar="D", help="Only this detector; may be given again.")] = None,
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
    with timeline.open(db) as log:
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
    if not report.findings:
        print_line("no findings")
    else:
        _print_findings(report.findings)
    print_line()
    for verdict in sorted(set(report.verdicts.values())):
        names = [name for name, given in report.verdicts.items() if given == verdict]
        print_line(f"{verdict}: {len(names)} of {len(report.verdicts)} detectors" + ("" if verdict == "clean" else f": {', '.join(names)}"))


def _print_findings(findings: list[Finding]) -> None:
    from timeline.moment import shown

    print_table(
        ["finding", "severity", "verdict", "detector", "since", "until", "run", "what"],
        (
            [one.finding_id, one.severity, one.verdict, one.detector, shown(one.since), shown(one.until) or "lasts", one.run_id, one.says]
            for one in findings
        ),
    )
