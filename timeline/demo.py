"""The whole loop as a story: a cluster that leaks, its log, the findings, the seed, the same run again, the fixed twin.

Who leaks is not ours to know: a demonstration is found by its entry point in the group `timeline.demos`.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import wrap
from typing import Protocol

from ingest.database import open_for_write
from ingest.duration import duration
from ingest.errors import StorageFailed, UsageError
from ingest.load import load
from ingest.seed import Replayed, ReplaySeed
from timeline.alerting.deploy import rule_files
from timeline.api import Timeline
from timeline.files import write_whole
from timeline.findings import Finding, Report, read_by
from timeline.moment import shown
from timeline.pages.board import costs
from timeline.replays import replay, run_seed
from timeline.shrink import Shrunk, shrink

GROUP = "timeline.demos"
SHOWN_MAX = 6
"""Findings that the story tells in full."""

WIDTH = 120
"""Columns of its prose."""

Say = Callable[[str], None]


class Demo(Protocol):
    """A system that can be recorded leaking, and fixed."""

    title: str
    """Who is observed, in a sentence or two."""
    planted: str
    """What is wrong with it."""
    headline: str
    """The detector whose first finding the story follows to its cause."""

    def record(self, *, is_fixed: bool) -> Replayed:
        """The event file of the run with its bugs, or of its fixed twin under the same faults."""
        ...


def find_demo() -> Demo:
    """The first demonstration that is installed, in order of name. Raises UsageError where there is none."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        demo: Demo = entry.load()
        return demo
    raise UsageError(
        f"running the demonstration: no installed package has one (entry point group {GROUP}); `pip install -e .` in the source tree"
    )


def tell(demo: Demo, folder: Path, say: Say) -> None:
    """Run the demonstration, leave its files in `folder`, and tell what happened. Raises StorageFailed."""
    recorded = demo.record(is_fixed=False)
    _write_log(recorded, folder)
    for line in wrap(f"{demo.title} {demo.planted}", WIDTH):
        say(line)
    with Timeline.open(folder / "timeline.duckdb") as log:
        report = log.detect()
        found = [one for one in report.findings if one.verdict == "found"]
        (bounds,) = log.runs().to_dicts()
        lasted = duration((bounds["end_us"] - bounds["start_us"]) // 1_000_000 * 1_000_000)
        say(f"{bounds['events']:,} decision events of {lasted} in {folder / 'events.jsonl'}, loaded into {folder / 'timeline.duckdb'}.")
        _tell_findings(report, found, say)
        chosen = sorted(_one_a_detector(found), key=lambda one: one.detector != demo.headline)
        seeds = {one.finding_id: log.export_finding(one.finding_id) for one in chosen}
        if chosen:
            _tell_evidence(log, chosen[0], say)
        left_out = _draw(log, folder / "timeline.png")
    _write(folder, report, [(one, seeds[one.finding_id]) for one in chosen])
    if chosen:
        _tell_replays(chosen, seeds, folder, say)
    _tell_twin(demo.record(is_fixed=True), folder, say)
    _tell_what_to_open(folder, chosen, left_out, say)


# ---- files


def _write_log(recorded: Replayed, folder: Path) -> None:
    """Events and database, made anew: what an earlier demonstration left under these names goes."""
    database = folder / "timeline.duckdb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in (database, folder / "timeline.duckdb.wal"):
            leftover.unlink(missing_ok=True)
    except OSError as error:
        raise StorageFailed(f"making room in {folder}: {error.strerror or error}; name another folder with --out") from None
    write_whole(folder / "events.jsonl", _lines(recorded))
    opened = open_for_write(database)
    try:
        load(opened, [folder / "events.jsonl"]).check(is_strict=True)
    finally:
        opened.close()


def _lines(recorded: Replayed) -> bytes:
    return b"".join(line.rstrip(b"\n") + b"\n" for line in recorded.lines)


def _write(folder: Path, report: Report, seeds: list[tuple[Finding, ReplaySeed]]) -> None:
    write_whole(folder / "findings.json", json.dumps(report.model_dump(mode="json"), ensure_ascii=True, indent=2) + "\n")
    for finding, seed in seeds:
        write_whole(_seed_file(folder, finding), seed.to_text())
    for name, text in rule_files().items():
        write_whole(folder / name, text)


def _seed_file(folder: Path, finding: Finding) -> Path:
    return folder / f"{finding.detector.rpartition('/')[2]}.seed.json"


def _draw(log: Timeline, path: Path) -> str | None:
    """Draw the timeline; where that cannot be, why not."""
    if importlib.util.find_spec("altair") is None or importlib.util.find_spec("vl_convert") is None:
        return f"{path.name} was left out: it needs the extra notebooks (pip install 'decision-timeline[notebooks]')"
    from timeline.pages.charts import picture, swim_lanes

    lanes = log.lanes()
    if lanes.lanes.is_empty():
        return f"{path.name} was left out: the log has nothing that a model has intervals of"
    picture(swim_lanes(lanes), path)
    return None


# ---- the story


def _tell_findings(report: Report, found: list[Finding], say: Say) -> None:
    say("")
    say(f"WHAT LEAKED: {len(found)} findings of {len({one.detector for one in found})} of {len(report.detectors)} detectors")
    for finding in _one_a_detector(found)[:SHOWN_MAX]:
        others = sum(one.detector == finding.detector for one in found) - 1
        more = f" (and {others} more like it)" if others else ""
        until = "until " + shown(finding.until)[11:19] if finding.until else "still"
        say(f"  {finding.severity:8}  since {shown(finding.since)[11:19]}, {until}: {finding.says}{more}")
    for unit, amount in costs(found).items():
        say(f"  wasted so far: {amount:,.0f} {unit}")


def _one_a_detector(found: list[Finding]) -> list[Finding]:
    """The first finding of each detector; the most urgent come first, as in the report."""
    first: dict[str, Finding] = {}
    for finding in found:
        first.setdefault(finding.detector, finding)
    return list(first.values())


def _tell_evidence(log: Timeline, finding: Finding, say: Say) -> None:
    say("")
    say(f"THE EVIDENCE of {finding.finding_id}, {finding.detector}")
    for decided in log.explain(finding.finding_id).evidence:
        say(f"  {decided.line}")


def _tell_replays(chosen: list[Finding], seeds: dict[str, ReplaySeed], folder: Path, say: Say) -> None:
    say("")
    say("AGAIN, from the seeds alone")
    equal = sum(run_seed(seed).digest == seed.expected.digest for seed in seeds.values())
    say(f"  {equal} of {len(seeds)} exported seeds replay to the same events, byte for byte")
    finding = chosen[0]
    seed = seeds[finding.finding_id]
    shrunk = shrink(seed)
    small = folder / f"{finding.detector.rpartition('/')[2]}.small.seed.json"
    write_whole(small, shrunk.seed.to_text())
    switches = len([name for name, is_on in seed.scenario.switches.items() if is_on])
    say(
        f"  shrunk: {finding.detector} still shows with {shrunk.faults} of {shrunk.faults_before} faults, "
        f"{len(shrunk.switches)} of {switches} bugs{_shorter(seed, shrunk)}, {len(shrunk.seed.to_text()):,} bytes"
    )
    for switch in shrunk.switches:
        _tell_fix(switch, shrunk.seed, say)


def _shorter(seed: ReplaySeed, shrunk: Shrunk) -> str:
    before = seed.scenario.document.get("length")
    if shrunk.length_us is None or not isinstance(before, int):
        return ""
    return f", {duration(shrunk.length_us)} of {duration(before)}"


def _tell_fix(switch: str, seed: ReplaySeed, say: Say) -> None:
    """What one bug has to do with it: the small seed without that bug."""
    report = replay(seed, {switch: False}, detectors=[finding.detector for finding in seed.expected.findings])
    gone = "the finding is gone" if not report.shows(seed.expected.findings) else "the finding stays"
    say(f"  without {switch}: {gone}; the first decision that differs:")
    if report.first_divergence is not None:
        say(f"    - {report.first_divergence.expected or 'nothing'}")
        say(f"    + {report.first_divergence.actual or 'nothing'}")


def _tell_twin(twin: Replayed, folder: Path, say: Say) -> None:
    write_whole(folder / "fixed.jsonl", _lines(twin))
    with Timeline.in_memory(twin.lines, read_by(())) as log:
        found = [one for one in log.detect().findings if one.verdict == "found"]
    say("")
    say(f"THE FIXED TWIN, under the same faults: {len(found)} findings ({folder / 'fixed.jsonl'})")


def _tell_what_to_open(folder: Path, chosen: list[Finding], left_out: str | None, say: Say) -> None:
    database = folder / "timeline.duckdb"
    say("")
    say("OPEN NEXT")
    say(f"  {left_out}" if left_out else f"  {folder / 'timeline.png'}: who led, which workers leaked")
    say(f"  timeline notebook what_leaked --db {database}")
    for finding in chosen[:1]:
        say(f"  timeline explain {finding.finding_id} --db {database}")
        say(f"  timeline replay {_seed_file(folder, finding)}")
    say(f"  promtool test rules {folder / 'rules_test.yml'}")
