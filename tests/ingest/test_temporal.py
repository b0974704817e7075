"""Temporal workflow histories: true causes, the order of `eventId`, and what a workflow leaves behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.lines import loaded
from tests.ingest.timelines import timeline_of, told

HISTORIES = "workflow-history"


@pytest.mark.parametrize(
    ("name", "events", "activities", "completed"),
    [("workflow1", 25, 3, 3), ("hello-workflow-history", 11, 1, 1), ("multiple-updates-canceled", 40, 4, 0)],
)
def test_histories_load_with_the_counts_of_their_manifest(shared_data: Path, name: str, events: int, activities: int, completed: int):
    """Both spellings of the types of event give the same kinds, and each workflow completed."""
    report, told, _ = loaded(shared_data / HISTORIES / f"{name}.json")
    assert (report.lines, report.events) == (events, events)
    kinds = [event["kind"] for event in sorted(told, key=lambda event: event["seq"])]
    assert (kinds.count("activity.scheduled"), kinds.count("activity.completed")) == (activities, completed)
    assert kinds[-1] == "workflow.completed"


def test_canceled_activities_that_nobody_ended_are_found_as_orphans(shared_data: Path):
    """Four activities were asked to cancel, none ever did, and the workflow completed. Its three timers were canceled in time."""
    _, timeline = timeline_of(shared_data / HISTORIES)
    with timeline:
        found = timeline.detect(["generic/never_ended"]).findings
    orphans = {(finding.verdict, finding.subject.kind, finding.subject.id) for finding in found}
    assert orphans == {("found", "activity", f"test-multiple-update-ordering/{number}") for number in (7, 11, 15, 19)}


def history(*events: dict[str, Any]) -> str:
    """A history whose first event starts the workflow wf-1."""
    began = {"eventId": "1", "eventTime": "2026-01-01T00:00:01Z", "eventType": "WorkflowExecutionStarted",
             "workflowExecutionStartedEventAttributes": {"workflowId": "wf-1", "originalExecutionRunId": "r-1"}}  # fmt: skip
    return json.dumps({"events": [began, *events]}, indent=1)


def test_events_stand_in_the_order_of_their_numbers_and_not_of_their_times(tmp_path: Path):
    """A server whose clock was set back still appended its history in order; causes are the events that an event names."""
    started = {"eventId": "3", "eventTime": "2026-01-01T00:00:00Z", "eventType": "ActivityTaskStarted",
               "activityTaskStartedEventAttributes": {"scheduledEventId": "2", "identity": "w@host"}}  # fmt: skip
    scheduled = {"eventId": "2", "eventTime": "2026-01-01T00:00:02Z", "eventType": "ActivityTaskScheduled",
                 "activityTaskScheduledEventAttributes": {"activityId": "a"}}  # fmt: skip
    (tmp_path / "history.json").write_text(history(started, scheduled))
    _, timeline = timeline_of(tmp_path / "history.json")
    with timeline:
        order = told(timeline, ["event_id", "kind", "subject_id"])
        causes = timeline.sql("SELECT event_id, cause_id FROM event_cause JOIN event USING (event_no)")
    assert order == [
        ("r-1/1", "workflow.started", "wf-1"), ("r-1/2", "activity.scheduled", "wf-1/2"), ("r-1/3", "activity.started", "wf-1/2"),
    ]  # fmt: skip
    assert causes.rows() == [("r-1/3", "r-1/2")]


def test_a_history_that_breaks_off_loads_up_to_there(tmp_path: Path):
    """The event that is cut is told about, and nothing else is lost."""
    (tmp_path / "cut.json").write_text(history({"eventId": "2", "eventType": "TimerStarted"})[:-30])
    report, _, rejected = loaded(tmp_path / "cut.json")
    assert (report.events, report.quarantined, [row["reason"] for row in rejected]) == (1, 1, ["not_json"])


def test_a_name_that_is_no_path_of_json_costs_nothing(tmp_path: Path):
    """Attributes are looked for under names that Temporal writes, and no other is put into a path."""
    (tmp_path / "odd.json").write_text(history({"eventId": "2", "eventTime": "2026-01-01T00:00:02Z", "eventType": "TimerStarted",
                                                'a"b.[*EventAttributes': {}}))  # fmt: skip
    report, _, _ = loaded(tmp_path / "odd.json")
    assert (report.events, report.quarantined) == (2, 0)
