"""Why a workload waits: each story and where its time went, in seconds; the sums are exact whatever the story."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from ingest.errors import UsageError
from tests.story import SECOND, tell
from timeline import Timeline, catalog
from timeline.cli import app
from timeline.why import ABOUT, LEDGER, STEP

WAITED = """
    0s   cp-1/pool  session/s-1  acquire.queued
    1s   cp-1/pool  session/s-1  acquire.gate_entered
    2s   cp-1/pool  session/s-1  acquire.claim_missed       reason=org_cap
    2s   cp-1/pool  session/s-1  acquire.capacity_refused   reason=org_cap
    4s   cp-1/pool  session/s-1  acquire.claim_missed       reason=org_cap
    6s   cp-1/pool  session/s-1  acquire.claim_missed       reason=no_idle
    7s   cp-1/pool  worker/w-1   worker.slot_created        >session/s-1
    20s  cp-1/pool  worker/w-1   worker.spawned             >session/s-1
    22s  cp-1/pool  worker/w-1   worker.activation_started  >session/s-1
    25s  cp-1/pool  session/s-1  session.started            >worker/w-1
    60s  cp-1/pool  session/s-1  session.ended              >worker/w-1
    90s  cp-1/pool  worker/w-1   worker.parked
"""


def lines(story: str) -> list[bytes]:
    return [event.model_dump_json().encode() for event in tell(story)]


def spent(story: str, workload: str) -> list[tuple[str, int]]:
    """Where the time of a workload went, in order: reason, seconds. Whatever the story, the parts are the whole."""
    with Timeline.in_memory(lines(story)) as log:
        why = log.why(workload)
    ends = [why.since, *(part.until for part in why.parts)]
    assert [part.since for part in why.parts] == ends[:-1]
    assert why.until == ends[-1]
    assert sum(part.dur_us for part in why.parts) == sum(why.reasons.values()) == why.whole_us
    return [(part.reason, part.dur_us // SECOND) for part in why.parts]


# ---- sessions of a warm pool


def test_a_session_says_what_it_waited_for():
    """At the gate, at the cap, for the pod, for the tenant's data; then it runs. Looking again without a new answer is one wait."""
    assert spent(WAITED, "session/s-1") == [
        ("queue", 1), ("claim", 1), ("no_capacity", 4), ("claim", 1), ("spawn", 13), ("activation", 5), ("running", 35),
    ]  # fmt: skip


def test_each_part_names_the_events_that_began_and_ended_it():
    with Timeline.in_memory(lines(WAITED)) as log:
        why = log.why("session/s-1")
    assert (why.began_with, why.ended_with, why.whole_us, why.waited_us) == ("acquire.queued", "session.ended", 60 * SECOND, 25 * SECOND)
    assert [part.evidence for part in why.parts[:3]] == [
        ["cp-1-a/pool:1", "cp-1-a/pool:2"],
        ["cp-1-a/pool:2", "cp-1-a/pool:4"],
        ["cp-1-a/pool:4", "cp-1-a/pool:6"],
    ]
    assert list(why.reasons) == ["running", "spawn", "activation", "no_capacity", "claim", "queue"]


def test_a_session_that_the_log_does_not_end_waits_until_the_log_ends():
    story = """
        0s   cp-1/pool  session/s-1  acquire.queued
        9s   cp-1/pool  session/s-1  acquire.gate_entered
        30s  cp-1/pool  session/s-2  acquire.queued
    """
    assert spent(story, "session/s-1") == [("queue", 9), ("claim", 21)]
    with Timeline.in_memory(lines(story)) as log:
        why = log.why("session/s-1")
        assert why.ended_with is None
        assert [part.is_open for part in why.parts] == [False, True]
        assert log.why("session/s-2").whole_us == 0


def test_a_session_whose_head_is_lost_begins_where_the_log_does():
    """Nothing is guessed: the life begins with the first event that is there, and says with which."""
    story = """
        20s  cp-1/pool  worker/w-1   worker.activation_started  >session/s-1
        25s  cp-1/pool  session/s-1  session.started  >worker/w-1
        60s  cp-1/pool  session/s-1  session.ended    >worker/w-1
    """
    assert spent(story, "session/s-1") == [("activation", 5), ("running", 35)]
    with Timeline.in_memory(lines(story)) as log:
        assert log.why("session/s-1").began_with == "worker.activation_started"


def test_a_request_that_fails_and_is_made_again_backed_off_in_between():
    assert spent(
        """
        0s   cp-1/pool  session/s-1  acquire.queued
        5s   cp-1/pool  session/s-1  acquire.failed   reason=capacity
        15s  cp-1/pool  session/s-1  acquire.queued
        16s  cp-1/pool  session/s-1  session.started  >worker/w-1
        20s  cp-1/pool  session/s-1  session.failed   >worker/w-1
        """,
        "session/s-1",
    ) == [("queue", 5), ("back_off", 10), ("queue", 1), ("running", 4)]


def test_a_session_on_a_worker_whose_pod_is_gone_runs_no_more():
    """It has lost its worker from then on until somebody notices."""
    assert spent(
        """
        0s   cp-1/pool  session/s-1  session.started  >worker/w-1
        10s  kube/pods  worker/w-1   worker.pod_gone
        30s  cp-1/pool  session/s-1  session.failed   >worker/w-1
        """,
        "session/s-1",
    ) == [("running", 10), ("lost_worker", 20)]


def test_a_request_ends_with_the_control_plane_that_serves_it():
    """Lost from its last sign of life on, over when somebody marks it as gone."""
    assert spent(
        """
        0s   cp-1/control_plane  control_plane/cp-1-a  control_plane.started
        1s   cp-1/pool           worker/w-1            worker.parked
        2s   cp-1/pool           session/s-1           acquire.queued
        5s   cp-1/control_plane  control_plane/cp-1-a  control_plane.heartbeated
        30s  cp-2/janitor        control_plane/cp-1-a  control_plane.expired
        60s  cp-2/janitor        control_plane/cp-2-a  sweep.completed
        """,
        "session/s-1",
    ) == [("queue", 3), ("lost_control_plane", 25)]


# ---- finding the workload


def test_a_workload_is_named_by_kind_and_id_by_id_or_by_its_name_in_the_envelope():
    named = [line.replace(b'"workload":null', b'"workload":"nightly"') for line in lines(WAITED)]
    with Timeline.in_memory(named) as log:
        assert {log.why(name).id for name in ["session/s-1", "s-1", "nightly", "session/s"]} == {"s-1"}


def test_a_name_that_fits_several_workloads_or_none_lists_them():
    story = "0s cp-1/pool session/s-1 acquire.queued\n0s cp-1/pool session/s-2 acquire.queued\n9s cp-1/pool session/s-2 session.ended"
    named = [line.replace(b'"workload":null', b'"workload":"nightly"') for line in lines(story)]
    with Timeline.in_memory(named) as log:
        for name in ["nightly", "s-"]:
            with pytest.raises(UsageError, match=r"2 workloads fit: session/s-1, session/s-2"):
                log.why(name)
        with pytest.raises(UsageError, match=r"it is not in the run run; there are session/s-1, session/s-2"):
            log.why("worker/w-1")


# ---- every workload of every run


def test_waits_of_all_runs_are_one_frame():
    again = [line.replace(b'"run_id":"run"', b'"run_id":"two"') for line in lines(WAITED)]
    with Timeline.in_memory([*lines(WAITED), *again]) as log:
        sums = log.waits().group_by("run_id").agg(pl.col("dur_us").sum()).sort("run_id")
        assert sums.rows() == [("run", 60 * SECOND), ("two", 60 * SECOND)]
        assert log.waits("two").columns == [
            "run_id", "workload_kind", "workload_id", "reason", "waits_for", "detail", "ts_us", "dur_us", "is_open",
            "event_id", "end_event_id",
        ]  # fmt: skip


def test_every_kind_of_workload_says_its_steps_in_the_same_columns():
    ledgers = [model for name, model in catalog.read(catalog.MODELS).items() if name.startswith(LEDGER)]
    assert ledgers
    for model in ledgers:
        about = [name for name in ABOUT if name in model.columns]
        assert [*model.columns] == [*STEP, *about], model.path


# ---- the command


def asked(tmp_path: Path, story: str, *arguments: str) -> str:
    events, database = tmp_path / "events.jsonl", tmp_path / "timeline.duckdb"
    events.write_bytes(b"".join(line + b"\n" for line in lines(story)))
    for call in (["ingest", str(events)], ["why", *arguments]):
        result = CliRunner().invoke(app, call, env={"TIMELINE_DB": str(database), "NO_COLOR": "1"})
        assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_prints_the_parts_in_order_then_the_sums(tmp_path: Path):
    assert asked(tmp_path, WAITED, "session/s-1").splitlines() == [
        "session/s-1 in the run run",
        "from acquire.queued at 0s to session.ended at 1m",
        "waited 25s (41.7%), ran 35s",
        "",
        "at   for  reason       since event",
        "0s   1s   queue        cp-1-a/pool:1",
        "    org/acme",
        "1s   1s   claim        cp-1-a/pool:2",
        "2s   4s   no_capacity  cp-1-a/pool:4",
        "6s   1s   claim        cp-1-a/pool:6",
        "7s   13s  spawn        cp-1-a/pool:7",
        "20s  5s   activation   cp-1-a/pool:8",
        "25s  35s  running      cp-1-a/pool:10",
        "1m        ended        cp-1-a/pool:11",
        "",
        "reason       sum  share",
        "running      35s  58.3%   █████████████████████",
        "spawn        13s  21.7%   ████████",
        "activation   5s   8.3%    ███",
        "no_capacity  4s   6.7%    ██",
        "claim        2s   3.3%    █",
        "queue        1s   1.7%    █",
        "whole        1m   100.0%",
    ]


def test_the_document_sums_too_and_several_runs_are_a_list(tmp_path: Path):
    one = json.loads(asked(tmp_path, WAITED, "s-1", "--json"))
    assert sum(part["dur_us"] for part in one["parts"]) == sum(one["reasons"].values()) == one["whole_us"]
    twice = json.loads(asked(tmp_path, WAITED, "s-1", "--json", "--run", "run", "--run", "run"))
    assert twice == [one, one]


def test_a_name_in_a_log_commands_no_terminal(tmp_path: Path):
    """It is spelled out, in the heading and in the note that tells which workload a part of a name fits."""
    database, events = tmp_path / "timeline.duckdb", tmp_path / "events.jsonl"
    events.write_bytes(b"".join(line.replace(b'"s-1"', b'"s-\\u001b[2J\\u202e"') + b"\n" for line in lines(WAITED)))
    for call in (["ingest", str(events)], ["why", "session/s"]):
        result = CliRunner().invoke(app, call, env={"TIMELINE_DB": str(database), "NO_COLOR": "1"})
    assert result.stdout.startswith("session/s-\\u001b[2J\\u202e in the run run\n")
    assert result.stderr == "session/s fits session/s-\\u001b[2J\\u202e only\n"
