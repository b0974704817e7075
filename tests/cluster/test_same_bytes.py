"""However a log is split, ordered, repeated and stamped by wrong clocks, the program prints the same bytes."""

from __future__ import annotations

import gzip
import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ingest.database import open_for_read, open_for_write
from ingest.load import load
from reference_cluster.bugs import bug_named
from tests.cluster.runs import run_of
from tests.conftest import SEEDS
from timeline.cli import app

RUNS = {
    "spawn_failures": "slot_kept_after_failure", "quota_82219": None, "demo": None, "gang_demo": None, "placement_general": None,
    "barrier_demo": None,
}  # fmt: skip
"""A scenario of each family, one of them with a bug that is found."""
SHORT = ("spawn_failures", "quota_82219")
CLOCK_SKEW = "control_loop/clock_skew"
YEARS = 10


def split(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """Five shards, each in any order, which tell a tenth of the lines twice; one of them packed."""
    shards: list[list[bytes]] = [[] for _ in range(5)]
    for line in lines + chance.sample(lines, len(lines) // 10):
        chance.choice(shards).append(line)
    for shard in shards:
        chance.shuffle(shard)
    texts = [b"".join(shard) for shard in shards]
    return [gzip.compress(texts[0]), *texts[1:], texts[1]]


def skewed(lines: list[bytes], chance: random.Random, known: set[str]) -> list[bytes]:
    """The clock of each actor that commits or causes tell of is up to ten years ahead or behind."""
    offsets: dict[str, timedelta] = {}
    moved = []
    for line in lines:
        event = json.loads(line)
        if event["actor"] in known:
            off = offsets.setdefault(event["actor"], timedelta(days=chance.uniform(-365.0 * YEARS, 365.0 * YEARS)))
            event["time"] = (datetime.fromisoformat(event["time"]) + off).isoformat().replace("+00:00", "Z")
        moved.append(json.dumps(event).encode() + b"\n")
    return [b"".join(moved)]


def loaded(folder: Path, texts: list[bytes]) -> Path:
    """A database of a log in these files, one of them after another."""
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number}.jsonl").write_bytes(text)
    with open_for_write(folder / "timeline.duckdb") as database:
        for path in sorted(folder.glob("*.jsonl")):
            load(database, [path]).check(is_strict=True)
    return folder / "timeline.duckdb"


def printed(database: Path) -> dict[str, str]:
    """What each command prints of it."""
    found: dict[str, str] = {}

    def ask(*words: str) -> Any:
        answer = CliRunner().invoke(app, [*words, "--json", "--db", str(database)])
        assert answer.exit_code == 0, answer.output
        found[" ".join(words)] = answer.stdout
        return json.loads(answer.stdout)

    objects = ask("objects")
    ask("state", "--at", "+30s")
    ask("detect")
    for thing in sorted(objects, key=lambda thing: (-thing["events"], thing["kind"], thing["id"]))[:3]:
        ask("show", f"{thing['kind']}/{thing['id']}")
    for workload in sorted(thing["id"] for thing in objects if thing["kind"] == "gang")[:2]:
        ask("why", workload)
    return found


def without_clocks(found: dict[str, str]) -> dict[str, str]:
    """The same without what tells of the clocks themselves: the time that an event shows, how far off it is, the finding about it."""
    bare = {words: json.loads(text) for words, text in found.items()}
    judged = bare["detect"]
    judged["findings"] = [finding for finding in judged["findings"] if finding["detector"] != CLOCK_SKEW]
    del judged["verdicts"][CLOCK_SKEW]
    for words, told in bare.items():
        for decided in told["decisions"] if words.startswith("show ") else []:
            del decided["event"]["time"], decided["line"]
    return {words: json.dumps(told) for words, told in bare.items()}


def known_clocks(database: Path) -> set[str]:
    """The actors of whose clock something tells: a commit of their own, or a cause before or after."""
    with open_for_read(database) as reader:
        asked = reader.connection.execute("SELECT DISTINCT actor FROM actor_clock WHERE basis <> 'none' ORDER BY actor")
        return {actor for (actor,) in asked.fetchall()}


@pytest.mark.fault("D1", "D2", "D3", "D5")
@pytest.mark.parametrize("name", RUNS)
def test_the_same_bytes_are_printed(name: str, tmp_path: Path, seeds: range) -> None:
    """An actor of whose clock nothing tells, neither a commit nor a cause, is placed by that clock: there a skew is not to be known."""
    if len(seeds) <= SEEDS and name not in SHORT:
        pytest.skip("a longer one: in `make sweep`")
    bug = RUNS[name]
    lines, chance = list(run_of(name, 1, bug_named(bug) if bug else None).lines), random.Random(name)
    database = loaded(tmp_path / "plain", [b"".join(lines)])
    plain = printed(database)
    assert not bug or json.loads(plain["detect"])["findings"]
    assert printed(loaded(tmp_path / "split", split(lines, chance))) == plain
    known = known_clocks(database)
    assert known
    assert without_clocks(printed(loaded(tmp_path / "skewed", skewed(lines, chance, known)))) == without_clocks(plain)
