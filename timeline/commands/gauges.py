"""`timeline gauges`: how a run stands as Prometheus sees it, and how it stood."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, note, print_json, print_line, print_table

if TYPE_CHECKING:
    from timeline.gauges import Gauge


def command(
    openmetrics: Annotated[
        Path | None, typer.Option("--openmetrics", metavar="FILE", help="Write the history of the gauges, for Prometheus to load.")
    ] = None,
    step: Annotated[str, typer.Option("--step", metavar="DURATION", help="Time between two samples of the history.")] = "15s",
    run: Run = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Print the gauges of a run where its log ends; or write their history, so that alert rules can be tried on what happened.

    In the history a finding counts from the first step at which it could be known, as somebody would have seen it who looked then;
    for that the log is judged as of earlier moments.

    Example:
        timeline gauges
        timeline gauges --openmetrics run.om --step 15s && promtool tsdb create-blocks-from openmetrics run.om data/
    """
    import timeline

    with timeline.open(db, note) as log:
        run_id = log.run(run)
        gauges = log.gauges(run_id, None if openmetrics is None else _step_us(step))
    if openmetrics is None:
        _print(run_id, gauges, as_json)
    else:
        _write(openmetrics, run_id, gauges, as_json)


def _step_us(text: str) -> int:
    from ingest.duration import microseconds
    from ingest.errors import UsageError

    step_us = microseconds(text)
    if step_us is None or step_us < 1_000_000:
        raise UsageError(f"reading --step {text!r}: write a duration of a second or more, such as 15s or 1m")
    return step_us


def _print(run_id: str, gauges: list[Gauge], as_json: bool) -> None:
    from timeline.moment import shown

    series: list[dict[str, Any]] = [
        {"gauge": gauge.name, "labels": {name: row[name] for name in gauge.labels}, "value": row["value"]}
        for gauge in gauges
        for row in gauge.samples.to_dicts()
    ]
    at_us = max(at for gauge in gauges for at in gauge.samples["at_us"].to_list())
    if as_json:
        print_json({"run_id": run_id, "at": shown(at_us), "gauges": series})
        return
    print_line(f"run {run_id} at {shown(at_us)}")
    print_table(
        ["gauge", "labels", "value"],
        (
            [one["gauge"], ", ".join(f"{name}={value}" for name, value in one["labels"].items()), _value(one["gauge"], one["value"])]
            for one in series
        ),
    )


def _value(gauge: str, value: float) -> str:
    from timeline.moment import shown

    return shown(round(value * 1e6)) if gauge.endswith("_timestamp_seconds") else f"{value:g}"


def _write(path: Path, run_id: str, gauges: list[Gauge], as_json: bool) -> None:
    from timeline.files import write_whole
    from timeline.gauges.openmetrics import history

    write_whole(path, history(gauges))
    answer = {
        "run_id": run_id,
        "openmetrics": str(path),
        "series": sum(gauge.samples.unique(gauge.labels).height if gauge.labels else 1 for gauge in gauges),
        "samples": sum(gauge.samples.height for gauge in gauges),
    }
    if as_json:
        print_json(answer)
    else:
        print_line(f"{path}: {answer['samples']} samples in {answer['series']} series of the run {run_id}")
        print_line(f"$ promtool tsdb create-blocks-from openmetrics {path} data/")
