"""S14, S15: an address in an event is fetched by nobody, and bytes of a job are handed to no program.

Python tells an audit hook of each connection, look-up and program before it happens (PEP 578), whichever library asks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

WATCHED = """
import json, sys
seen = []
REACHES = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request", "subprocess.Popen", "os.system", "os.exec",
           "os.posix_spawn", "os.fork", "pty.spawn", "webbrowser.open")
sys.addaudithook(lambda event, arguments: seen.append(event) if event in REACHES else None)
from timeline.cli import app
for line in json.loads(sys.argv[1]):
    try:
        app(line, standalone_mode=False)
    except SystemExit:
        pass
print("reached", seen, file=sys.stderr)
"""
HOSTILE = [
    "http://169.254.169.254/latest/meta-data",
    "http://127.0.0.1:9/",
    "file:///etc/passwd",
    "gopher://x",
    "$(touch canary)",
    "; touch canary",
]


def run(folder: Path, *lines: list[str]) -> str:
    """What the program prints, with what it says on standard error, after these calls in one process."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, json.dumps(lines)], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


def told(folder: Path) -> None:
    """A log in which a worker registers with each of these as its address, its checkpoint and its environment."""
    with (folder / "events.jsonl").open("w") as file:
        for number, text in enumerate(HOSTILE):
            event = {
                "event_id": f"e-{number}",
                "run_id": "run",
                "time": f"2026-01-01T00:00:{number:02}Z",
                "actor": "cp-1/pool",
                "kind": "node.registered",
                "subject": {"kind": "node", "id": text},
                "refs": [{"role": "address", "kind": "address", "id": text}],
                "data": {"address": text, "url": text, "checkpoint": text, "env": {"LD_PRELOAD": text, "PATH": text}, "image": text},
            }
            file.write(json.dumps(event) + "\n")


def test_s14_no_address_of_an_event_is_fetched(tmp_path: Path):
    """Loaded, listed, shown, judged and measured: no socket is opened and no name is looked up."""
    told(tmp_path)
    calls = [["ingest", "events.jsonl"], ["objects"], ["show", f"node/{HOSTILE[0]}"], ["state"], ["detect"], ["gauges"], ["doctor"]]
    assert "reached []" in run(tmp_path, *calls)


def test_s14_the_hook_sees_what_it_is_there_for(tmp_path: Path):
    """Where a command does reach out, it is noticed."""
    asked = ["--url", "http://127.0.0.1:9", "--query", "up", "--start", "2026-01-01T00:00:00Z", "--end", "2026-01-01T00:01:00Z"]
    assert "socket." in run(tmp_path, ["ingest", "prometheus", *asked])


def test_s15_bytes_of_a_job_start_no_program_and_have_an_end(tmp_path: Path):
    """What looks like a command is data in every place; a checkpoint of more than the longest line is refused, and named by its place."""
    told(tmp_path)
    with (tmp_path / "events.jsonl").open("a") as file:
        checkpoint = "x" * (2 * 1024 * 1024)
        file.write(json.dumps({"event_id": "big", "run_id": "run", "data": {"checkpoint": checkpoint}}) + "\n")
    said = run(tmp_path, ["ingest", "events.jsonl"], ["rejected"], ["cluster", "simulate", "gang_demo", "--seed", "1", "-o", "gang.jsonl"])
    assert "reached []" in said
    assert "too_long" in said
    assert not (tmp_path / "canary").exists()
