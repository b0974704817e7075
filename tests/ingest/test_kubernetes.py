"""Kubernetes logs that nobody here wrote: every checkable fact of their manifest, through our own tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.database import Database
from ingest.in_memory import open_in_memory
from ingest.load import load
from tests.ingest.lines import rows, write

MOUNT = "k8s-events/troubleshoot-failed-mount.events.json"
PULL = "k8s-events/troubleshoot-image-pull-fail.events.json"
NEVER_BOUND = {"pending-pod-resources-5fddcf7688-wzvfz", "pending-pod-resources-5fddcf7688-59zjj"}
NEVER_STARTED = {f"no-image-deployment-849c4c4958-{suffix}" for suffix in ("7fp5q", "l595s", "lm8qp")}


@pytest.fixture
def database() -> Iterator[Database]:
    with open_in_memory() as opened:
        yield opened


def kinds_by_pod(database: Database) -> dict[str, set[str]]:
    """The kinds of event of each pod that has any, by its name."""
    found: dict[str, set[str]] = {}
    for row in rows(database.connection, "SELECT data->>'$.name' AS name, kind FROM event WHERE subject_kind = 'pod'"):
        found.setdefault(row["name"], set()).add(row["kind"])
    return found


def test_the_audit_log_loads_with_the_counts_of_its_manifest(database: Database, shared_data: Path) -> None:
    """37 requests, all complete, 11 forbidden, three impersonated actors, from 19:55:05 to 20:29:04."""
    report = load(database, [shared_data / "k8s-audit/audit2rbac-demo.audit.jsonl"])
    assert (report.lines, report.events) == (37, 37)
    asked = database.connection
    assert rows(asked, "SELECT DISTINCT kind FROM event") == [{"kind": "request.completed"}]
    assert rows(asked, "SELECT count(*) AS n FROM event WHERE outcome = 'rejected' AND reason = 'Forbidden'") == [{"n": 11}]
    actors = rows(asked, "SELECT DISTINCT actor FROM event ORDER BY actor")
    assert [row["actor"] for row in actors] == ["alice", "bob", "system:serviceaccount:ns1:sa1"]
    span = "SELECT make_timestamp(min(ts_us))::VARCHAR AS first, make_timestamp(max(ts_us))::VARCHAR AS last FROM event"
    assert rows(asked, span) == [{"first": "2017-09-11 19:55:05", "last": "2017-09-11 20:29:04"}]
    assert rows(asked, "SELECT count(DISTINCT id) AS n FROM event_object WHERE role = 'request'") == [{"n": 37}]
    assert rows(asked, "SELECT count(*) AS n FROM event_object WHERE role = 'impersonator' AND id = 'system:admin'") == [{"n": 37}]


def test_the_failed_mount_events_load_with_the_counts_of_their_manifest(database: Database, shared_data: Path) -> None:
    """76 rows stand for 3168 occurrences; 14 names of pods but 15 pods, because one was made again."""
    report = load(database, [shared_data / MOUNT])
    assert (report.lines, report.events) == (76, 76)
    asked = database.connection
    assert rows(asked, "SELECT sum((data->>'$.count')::BIGINT)::BIGINT AS n FROM event") == [{"n": 3168}]
    pods = "SELECT count(DISTINCT subject_id) AS pods, count(DISTINCT data->>'$.name') AS names FROM event WHERE subject_kind = 'pod'"
    assert rows(asked, pods) == [{"pods": 15, "names": 14}]
    again = "SELECT count(DISTINCT subject_id) AS n FROM event WHERE (data->>'$.name') = 'failing-liveness-pod'"
    assert rows(asked, again) == [{"n": 2}]
    span = """SELECT min(data->>'$.first_time') AS first, make_timestamp(max(ts_us))::VARCHAR AS last FROM event"""
    assert rows(asked, span) == [{"first": "2023-07-09T23:53:09Z", "last": "2023-07-10 05:43:47"}]


def test_pods_of_the_failed_mount_log_tell_their_story(database: Database, shared_data: Path) -> None:
    """Never bound, never started, mount failed for hours, killed and then not killable: all visible by kind."""
    load(database, [shared_data / MOUNT])
    told = kinds_by_pod(database)
    assert {pod for pod, kinds in told.items() if kinds == {"pod.failed_scheduling"}} == NEVER_BOUND
    assert all({"pod.back_off", "pod.scheduled"} <= told[pod] and "pod.started" not in told[pod] for pod in NEVER_STARTED)
    assert told["troubleshoot-copyfromhost-4m79m-psdjm"] == {"pod.failed_mount"}
    mounts = "SELECT (data->>'$.count')::BIGINT AS n FROM event WHERE subject_id LIKE 'troubleshoot-copyfromhost-%' ORDER BY n"
    assert rows(database.connection, mounts) == [{"n": 109}, {"n": 178}]
    killed = "SELECT kind FROM event WHERE (data->>'$.name') LIKE 'crashpod-%-fpzht' ORDER BY ts_us DESC, kind LIMIT 2"
    assert {row["kind"] for row in rows(database.connection, killed)} == {"pod.killing", "pod.failed_kill_pod"}


def test_the_image_pull_events_load_with_the_counts_of_their_manifest(database: Database, shared_data: Path) -> None:
    """17 rows, 34 occurrences; the job ends at its back-off limit, one pod never starts, one is never scheduled."""
    report = load(database, [shared_data / PULL])
    assert (report.lines, report.events) == (17, 17)
    assert rows(database.connection, "SELECT sum((data->>'$.count')::BIGINT)::BIGINT AS n FROM event") == [{"n": 34}]
    job = "SELECT kind FROM event WHERE subject_kind = 'job' ORDER BY ts_us DESC LIMIT 1"
    assert rows(database.connection, job) == [{"kind": "job.backoff_limit_exceeded"}]
    told = kinds_by_pod(database)
    assert not any("pod.started" in kinds for pod, kinds in told.items() if pod.endswith("rxqmt"))
    assert not any("pod.scheduled" in kinds for pod, kinds in told.items() if pod.startswith("pending-"))


def test_both_logs_and_copies_of_them_load_once(database: Database, shared_data: Path, tmp_path: Path) -> None:
    """A copy under another name adds nothing, because an event is its uid and count, and a request its id and stage."""
    folders = [shared_data / "k8s-audit", shared_data / "k8s-events"]
    assert load(database, folders).events == 37 + 76 + 17
    (tmp_path / "copy.json").write_bytes((shared_data / MOUNT).read_bytes())
    again = load(database, [*folders, tmp_path / "copy.json"])
    assert (again.events, again.duplicates) == (0, 37 + 76 + 17 + 76)


def test_places_in_a_document_are_places_in_the_file(database: Database, shared_data: Path) -> None:
    """byte_offset of an item is where the item, or the white space before it, stands in the document."""
    load(database, [shared_data / PULL])
    document = (shared_data / PULL).read_bytes()
    for row in rows(database.connection, "SELECT byte_offset, data->>'$.name' AS name FROM event"):
        item, _ = json.JSONDecoder().raw_decode(document[row["byte_offset"] :].decode().lstrip())
        assert item["involvedObject"]["name"] == row["name"]


def test_a_bad_item_and_a_cut_document_cost_only_themselves(database: Database, tmp_path: Path) -> None:
    """The items before the damage load; the damage is told about once."""
    good = {"metadata": {"uid": "u-1"}, "involvedObject": {"kind": "Pod", "name": "p", "uid": "12345678-9"}, "reason": "Started",
            "eventTime": "2023-07-10T05:31:39Z", "source": {"component": "kubelet", "host": "n-1"}}  # fmt: skip
    document = json.dumps(
        {
            "kind": "EventList",
            "items": [good, {**good, "eventTime": None, "metadata": {"uid": "u-2"}}, {**good, "metadata": {"uid": "u-3"}}],
        }
    )
    report = load(database, [write(tmp_path / "cut.json", document[:-40].encode())])
    assert (report.events, report.quarantined) == (1, 2)
    reasons = rows(database.connection, "SELECT reason FROM rejected_line ORDER BY reason")
    assert [row["reason"] for row in reasons] == ["not_json", "schema"]
    assert rows(database.connection, "SELECT subject_id, actor, kind FROM event") == [
        {"subject_id": "p@12345678", "actor": "n-1/kubelet", "kind": "pod.started"}
    ]


def test_a_later_audit_log_shape_is_read_with_its_stages(database: Database, tmp_path: Path) -> None:
    """Newer logs say when a request came and when each stage ended; a request for one pod is about that pod."""
    asked = {"kind": "Event", "auditID": "a-1", "verb": "create", "requestURI": "/api/v1/namespaces/ns/pods", "user": {"username": "bob"},
             "objectRef": {"resource": "pods", "namespace": "ns", "name": "p"}}  # fmt: skip
    received = {**asked, "stage": "RequestReceived", "stageTimestamp": "2024-01-01T00:00:00.000001Z"}
    complete = {
        **asked,
        "stage": "ResponseComplete",
        "stageTimestamp": "2024-01-01T00:00:00.5Z",
        "responseStatus": {"code": 409, "reason": "AlreadyExists"},
    }
    load(database, [write(tmp_path / "audit.jsonl", json.dumps(received).encode(), json.dumps(complete).encode())])
    told = rows(database.connection, "SELECT kind, subject_kind, subject_id, outcome, reason FROM event ORDER BY ts_us")
    assert told == [
        {"kind": "request.received", "subject_kind": "pod", "subject_id": "p", "outcome": "attempted", "reason": None},
        {"kind": "request.completed", "subject_kind": "pod", "subject_id": "p", "outcome": "conflict", "reason": "AlreadyExists"},
    ]
