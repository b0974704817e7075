"""A real Prometheus beside a real `timeline serve`: a control plane leaks while it is watched, and somebody is woken."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from prometheus_api_client import PrometheusConnect

from reference_cluster.sweeps.judging import run_of
from timeline.alerting import alerts, dashboard

pytestmark = pytest.mark.tools

BOUND_SECONDS = 240
LEAK, CLEAN = "renew_blips-1+elector_runs_once", "renew_blips-1"
ALERT = "TimelineElectionLostWithoutRecontend"
TOKEN = "a-token-of-this-test"
OTHERS = {
    "demo": b'"worker.parked"',
    "gang_general": b'"job.claimed"',
    "placement_general": b'"instance.',
    "quota_general": b'"reservation.created"',
    "barrier_general": b'"barrier.opened"',
}
"""A run of each family that ends with such a line, so that every panel has something to show."""

T = TypeVar("T")
_MOMENT = re.compile(rb"2026-01-01T[0-9:.]+Z")


def shifted(lines: Sequence[bytes], ends: datetime) -> list[bytes]:
    """The lines of a simulated run with every time moved by the same amount, so that the last of them is at `ends`."""
    last = max(datetime.fromisoformat(json.loads(line)["time"]) for line in lines if b'"time"' in line)
    by = ends - last

    def moved(match: re.Match[bytes]) -> bytes:
        return (datetime.fromisoformat(match[0].decode()) + by).isoformat().replace("+00:00", "Z").encode()

    return [_MOMENT.sub(moved, line) for line in lines]


def until(what: str, ask: Callable[[], T | None]) -> T:
    """The first answer that is something, asked for again and again within the bound."""
    deadline = time.monotonic() + BOUND_SECONDS
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {BOUND_SECONDS} s"
        time.sleep(0.1)  # until Prometheus has looked again
    return answer


@contextmanager
def running(command: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program of this test, ended with it."""
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def served(folder: Path, followed: Path) -> Iterator[str]:
    """`timeline serve` on a free port of this machine; its address."""
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    command = [sys.executable, "-m", "timeline", "serve", "--listen", "127.0.0.1:0", "--open-metrics"]
    log = folder / "serve.log"
    with running([*command, "--token-file", folder / "token", "--db", folder / "t.duckdb", "--follow", followed], log) as process:

        def address() -> str | None:
            assert process.poll() is None, log.read_text()
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
            return found and found[0]

        yield until("the server's address", address)


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[PrometheusConnect]:
    """A Prometheus on a free port of this machine that scrapes the target and evaluates our rules, each every second."""
    program = shutil.which("prometheus")
    if program is None and os.environ.get("CI") != "true":
        pytest.skip("prometheus is missing; install the package prometheus")
    assert program, "prometheus is missing, and CI=true: install the package prometheus"
    (folder / "rules.yml").write_text(json.dumps(alerts.rules("https://runbooks.example", target)))
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    jobs = [{"job_name": "timeline", "static_configs": [{"targets": [target.removeprefix("http://")]}]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"global": every, "rule_files": ["rules.yml"], "scrape_configs": jobs}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    command = [program, *paths, f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with running(command, folder / "prometheus.log"):
        until("Prometheus", lambda: _is_ready(f"http://127.0.0.1:{port}/-/ready"))
        yield PrometheusConnect(f"http://127.0.0.1:{port}")


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=BOUND_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def post(address: str, lines: Sequence[bytes]) -> None:
    """Send events; they are durable when it returns."""
    request = urllib.request.Request(f"{address}/events", b"".join(lines), {"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=BOUND_SECONDS) as answer:
        assert answer.status == 200


def firing(client: PrometheusConnect) -> set[tuple[str, str]]:
    """Name and run of each alert that fires."""
    told: list[dict[str, Any]] = client.custom_query('ALERTS{alertstate="firing"}')
    return {(one["metric"]["alertname"], one["metric"].get("run", "")) for one in told}


def test_a_leak_wakes_somebody_while_it_is_fed_and_its_clean_twin_does_not(tmp_path: Path):
    """The events of a fleet whose leaders do not stand again after a blip, and of the same fleet without the bug.

    Half of them are sent, and nothing is wrong; then the rest. The alert comes with the run that leaks and with a link to its
    finding. Every expression of the dashboard has an answer in that Prometheus by then.
    """
    now = datetime.now(UTC) + timedelta(seconds=10)
    runs = {run.run_id: shifted(run.lines, now) for run in (run_of("renew_blips", 1, "elector_runs_once"), run_of("renew_blips", 1))}
    followed = tmp_path / "followed.jsonl"
    followed.write_bytes(b"".join(line for name in OTHERS for line in shifted(broken_off(name), now)))
    with served(tmp_path, followed) as address, prometheus(tmp_path, address) as client:
        for lines in runs.values():
            post(address, lines[:200])
        until("the first scrape with both runs", lambda: {LEAK, CLEAN} <= set(client.get_label_values("run")))
        assert not [alert for alert in firing(client) if alert[1] in runs]
        for lines in runs.values():
            post(address, lines[200:])
        until(f"{ALERT} of {LEAK}", lambda: (ALERT, LEAK) in firing(client))
        assert not [alert for alert in firing(client) if alert[1] == CLEAN]
        (told,) = (one for one in alerts_told(client) if one["labels"]["alertname"] == ALERT)
        place = "run=renew_blips-1%2Belector_runs_once&detector=election/lost_without_recontend"
        assert told["annotations"]["notebook_url"] == f"{address}/what_leaked?{place}"
        silent = [ask for ask in dashboard.expressions() if not answers(client, ask)]
        assert not silent, f"no answer to {silent}"


def broken_off(name: str) -> list[bytes]:
    """A run of a scenario, up to the line in its first half after which something is parked, waits or runs."""
    lines = run_of(name, 1).lines
    last = max(number for number, line in enumerate(lines[: len(lines) // 2]) if OTHERS[name] in line)
    return lines[: last + 1]


def answers(client: PrometheusConnect, expression: str) -> list[Any]:
    """What an expression of the dashboard answered in the last minute."""
    end = datetime.now(UTC)
    asked: list[Any] = client.custom_query_range(expression.replace("$run", ".*"), end - timedelta(minutes=1), end, "1")
    return asked


def alerts_told(client: PrometheusConnect) -> list[dict[str, Any]]:
    """The alerts with what they say; prometheus-api-client has no method for these."""
    with urllib.request.urlopen(f"{client.url}/api/v1/alerts", timeout=BOUND_SECONDS) as answer:
        told: list[dict[str, Any]] = json.load(answer)["data"]["alerts"]
        return told
