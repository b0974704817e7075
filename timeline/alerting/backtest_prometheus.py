"""A Prometheus over the history of gauges, started for as long as it is asked: on this machine only, with files of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.errors import UpstreamUnavailable, UsageError
from timeline.alerting.alerts import MINUTE_US, alerts
from timeline.alerting.backtest import HOLD_US, STEP_US, Harm, Tried, Watch, fires_us, judged
from timeline.gauges import Gauge
from timeline.gauges.openmetrics import history, label_value

LOOPBACK = "127.0.0.1"
START_SECONDS = 30.0
ANSWER_SECONDS = 60.0
POINTS_MAX = 10_000
"""Prometheus answers at most 11,000 points of a series at once."""


def tried(runs: Sequence[Watch], gauges: Iterable[Gauge], harms: Sequence[Harm] | None) -> list[Tried]:
    """What becomes of every shipped alert in these runs, in order of the rules. Raises UsageError, UpstreamUnavailable."""
    of_label = {label_value(run.run_id): run.run_id for run in runs}
    if len(of_label) < len(runs):
        raise UsageError("trying the rules: two runs have the same name; give databases whose runs differ")
    with _asked(gauges) as ask:
        return [judged(alert, _fired(ask(alert.expression, runs), alert.wait_minutes, of_label), runs, harms) for alert in alerts()]


def _fired(series: Iterable[tuple[str, list[int]]], wait_minutes: int, of_label: dict[str, str]) -> dict[str, list[int]]:
    """When an alert fires in each run, by the times at which its expression held for each series."""
    fired: dict[str, list[int]] = {}
    for label, active_us in series:
        begun = fires_us(active_us, wait_minutes * MINUTE_US)
        if begun:
            fired[of_label.get(label, label)] = sorted([*fired.get(of_label.get(label, label), []), *begun])
    return fired


class _Questions:
    """Asks a running Prometheus."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __call__(self, expression: str, runs: Sequence[Watch]) -> list[tuple[str, list[int]]]:
        """For each series of the answer its run and the evaluations at which the expression held, microseconds UTC."""
        found: dict[tuple[str, str], list[int]] = {}
        for start_us, end_us in windows(runs):
            told = self._get("/api/v1/query_range", query=expression, start=start_us / 1e6, end=end_us / 1e6, step=STEP_US / 1e6)
            for one in told["data"]["result"]:
                key = (one["metric"].get("run", ""), json.dumps(one["metric"], sort_keys=True))
                found.setdefault(key, []).extend(round(at * 1e6) for at, _ in one["values"])
        return [(run, sorted(set(active_us))) for (run, _), active_us in found.items()]

    def _get(self, path: str, **parameters: object) -> Any:
        asked = f"{self._address}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  the address is of the process below
                return json.load(answer)
        except (OSError, ValueError) as error:
            raise UpstreamUnavailable(f"asking Prometheus: {error}") from None


def windows(runs: Iterable[Watch]) -> list[tuple[int, int]]:
    """The stretches in which a run was watched, on the grid of evaluations, each short enough for one answer."""
    merged: list[tuple[int, int]] = []
    for run in sorted(runs, key=lambda run: run.start_us):
        start_us, end_us = -(-run.start_us // STEP_US) * STEP_US, run.end_us + HOLD_US
        if merged and start_us <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end_us, merged[-1][1]))
        else:
            merged.append((start_us, end_us))
    most_us = POINTS_MAX * STEP_US
    return [
        (at_us, min(at_us + most_us - STEP_US, end_us)) for start_us, end_us in merged for at_us in range(start_us, end_us + 1, most_us)
    ]


@contextmanager
def _asked(gauges: Iterable[Gauge]) -> Iterator[_Questions]:
    """A Prometheus that holds the history. Raises UpstreamUnavailable where a program is missing or does not start."""
    with tempfile.TemporaryDirectory(prefix="timeline-backtest-") as name:
        folder = Path(name)
        (folder / "history.om").write_text(history(gauges), encoding="utf-8")
        (folder / "prometheus.yml").write_text("{}\n", encoding="utf-8")
        made = subprocess.run(
            [_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", folder / "history.om", folder / "data"],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise UpstreamUnavailable(f"loading the history into blocks: {made.stderr.strip()}")
        with socket.socket() as free:
            free.bind((LOOPBACK, 0))
            address = f"{LOOPBACK}:{free.getsockname()[1]}"
        # Old blocks would be deleted at once by the usual retention of fifteen days.
        options = {"config.file": folder / "prometheus.yml", "storage.tsdb.path": folder / "data", "storage.tsdb.retention.time": "100y"}
        command = [_program("prometheus"), *(f"--{key}={value}" for key, value in options.items()), f"--web.listen-address={address}"]
        with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process:
            try:
                _await(process, f"http://{address}/-/ready", folder / "log")
                yield _Questions(f"http://{address}")
            finally:
                process.kill()  # what it holds is thrown away with the folder


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UpstreamUnavailable(f"starting {name}: it is not installed; it comes with the package prometheus")
    return found


def _await(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=ANSWER_SECONDS):  # noqa: S310  the address is of that process
                return
        except OSError:
            time.sleep(0.05)  # a process tells nobody that it is ready
    raise UpstreamUnavailable(f"starting Prometheus: {log.read_text(errors='replace').strip()[-300:]}")
