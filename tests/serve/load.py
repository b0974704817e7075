"""`make load`: a million events into a real server, then 5,000 a second for a minute while it is scraped; nothing may be lost.

Prints one JSON document. Figures decide nothing here but one: what was acknowledged and what is in the database is the same.
`LOAD_EVENTS`, `LOAD_RATE` and `LOAD_SECONDS` make it smaller; `LOAD_LOG` names a log that is there already.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, NamedTuple

from ingest.database import first_row, open_for_read
from tests import bench

EVENTS = int(os.environ.get("LOAD_EVENTS", "1000000"))
RATE = int(os.environ.get("LOAD_RATE", "5000"))
SECONDS = int(os.environ.get("LOAD_SECONDS", "60"))
SENDERS = 8
BATCH = 500
SCRAPE_SECONDS = 0.2


class Sent(NamedTuple):
    """One body that was acknowledged."""

    events: int
    seconds: float
    """From the first try to the acknowledgement."""
    retries: int


class Server:
    """`timeline serve` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.database, self.token = folder / "load.duckdb", token_hex(16)
        (folder / "token").write_text(self.token)
        command = [sys.executable, "-m", "timeline", "serve", "--listen", "127.0.0.1:0", "--token-file", str(folder / "token")]
        self.process = subprocess.Popen([*command, "--db", str(self.database)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.host = self.process.stdout.readline().split("/")[2]

    def ask(self, connection: http.client.HTTPConnection, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of the answer."""
        connection.request("GET" if body is None else "POST", path, body, {"Authorization": f"Bearer {self.token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def send(self, connection: http.client.HTTPConnection, body: bytes) -> Sent:
        """Send a body until it is acknowledged."""
        started, retries = time.perf_counter(), 0
        while True:
            status, answer = self.ask(connection, "/events", body)
            if status == 200:
                return Sent(json.loads(answer)["events"], time.perf_counter() - started, retries)
            assert status == 429, answer
            retries += 1
            time.sleep(1)  # it was asked to come again later

    def cpu_seconds(self) -> float:
        """What it has used of the processors."""
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, name: str) -> int:
        """A figure of the process's memory, as the kernel calls it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0]) // 1024


def batches(log: BinaryIO, events: int) -> Iterator[bytes]:
    """The next lines of a log as bodies."""
    for _ in range(0, events, BATCH):
        yield b"".join(islice(log, BATCH))


def feed(server: Server, bodies: Iterator[bytes], rate: int | None) -> list[Sent]:
    """Send bodies from several threads, as fast as the server takes them or at a rate of events a second."""
    turn, sent, started = threading.Lock(), list[Sent](), time.monotonic()
    place = iter(range(sys.maxsize))

    def sender() -> None:
        connection = http.client.HTTPConnection(server.host, timeout=600)
        while True:
            with turn:
                body, number = next(bodies, b""), next(place)
            if not body:
                return
            if rate:
                time.sleep(max(0.0, started + number * BATCH / rate - time.monotonic()))  # the rate that was asked for
            sent.append(server.send(connection, body))

    with ThreadPoolExecutor(SENDERS) as pool:
        for future in [pool.submit(sender) for _ in range(SENDERS)]:
            future.result()
    return sent


def scraped(server: Server, until: threading.Event) -> list[float]:
    """Seconds that each scrape took."""
    connection, seconds = http.client.HTTPConnection(server.host, timeout=600), list[float]()
    while not until.wait(SCRAPE_SECONDS):
        started = time.perf_counter()
        status, text = server.ask(connection, "/metrics")
        seconds.append(time.perf_counter() - started)
        assert status == 200
        assert b"timeline_server_events_total" in text
    return seconds


def spread(seconds: list[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum, in milliseconds."""
    ordered = sorted(seconds)
    return {name: round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))], 1) for name, part in _PARTS.items()}


_PARTS = {"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1.0}


def measured(server: Server, log: BinaryIO) -> dict[str, Any]:
    """Both parts of the load."""
    started = time.perf_counter()
    first = feed(server, batches(log, EVENTS), None)
    loaded, loaded_cpu = time.perf_counter() - started, server.cpu_seconds()
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        scrapes = pool.submit(scraped, server, ended)
        started = time.perf_counter()
        then = feed(server, batches(log, RATE * SECONDS), RATE)
        took, took_cpu = time.perf_counter() - started, server.cpu_seconds() - loaded_cpu
        ended.set()
        seconds = scrapes.result()
    text = server.ask(http.client.HTTPConnection(server.host, timeout=600), "/metrics")[1].decode()
    return {
        "first": {
            "events": sum(one.events for one in first),
            "events_per_second": round(sum(one.events for one in first) / loaded),
            "cpu_seconds": round(loaded_cpu, 1),
        },
        "then": {
            "events": sum(one.events for one in then),
            "events_per_second": round(sum(one.events for one in then) / took),
            "cpu_seconds": round(took_cpu, 1),
            "retries": sum(one.retries for one in then),
            "acknowledged": spread([one.seconds for one in then]),
        },
        "metrics": {"scrapes": len(seconds)} | spread(seconds),
        "refreshes": int(float(text.partition("\ntimeline_server_refreshes_total ")[2].split("\n")[0])),
        "memory": {"now_mib": server.memory_mib("VmRSS"), "peak_mib": server.memory_mib("VmHWM")},
    }


def main() -> None:
    """Run it, and print what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(os.environ.get("LOAD_LOG", Path(folder) / "log.jsonl"))
        if not path.exists():
            bench.EVENTS = EVENTS + RATE * SECONDS
            bench.make_log(path)
        server = Server(Path(folder))
        try:
            with path.open("rb") as log:
                figures = measured(server, log)
        finally:
            started = time.perf_counter()
            server.process.send_signal(signal.SIGTERM)
            figures_of_end = {"exit": server.process.wait(), "seconds": round(time.perf_counter() - started, 1)}
        acknowledged = figures["first"]["events"] + figures["then"]["events"]
        with open_for_read(server.database) as database:
            (kept,) = first_row(database.connection, "SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM recording)")
        sys.stdout.write(json.dumps(figures | {"end": figures_of_end, "acknowledged": acknowledged, "in_database": kept}) + "\n")
        assert acknowledged == kept, "what was acknowledged is not what is in the database"


if __name__ == "__main__":
    main()
