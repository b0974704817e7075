"""A recorded run becomes a seed, and the seed the same run again: equal to the byte, or the first divergence is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.errors import SeedInvalid
from ingest.seed import Expected, ExpectedFinding, Origin, ReplaySeed, Setting, Tape, parse_seed
from tests.timeline.conftest import LOSE, NOISE, RUN
from tests.timeline.tiny_replayer import record
from timeline import Timeline
from timeline.redaction import BLACKED_OUT
from timeline.replays import ReplayReport, judge, replay
from timeline.seeds import pytest_of

pytestmark = pytest.mark.usefixtures("tiny")

DETECTOR = "election/lost_without_recontend"
EXPECTED = [ExpectedFinding(detector=DETECTOR, subject="control_plane/cp-1-a")]


def seed_of(lines: list[bytes]) -> ReplaySeed:
    with Timeline.in_memory(lines) as log:
        return log.export_finding(log.detect([DETECTOR]).findings[0].finding_id)


def test_exported_run_replays_equal_and_shows_its_findings_again(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        seed = log.export_run()
    report = replay(parse_seed(seed.to_text(), "the seed"))
    assert (report.fidelity, report.equal, report.first_divergence, report.missing_inputs) == ("exact", True, None, [])
    assert seed.expected.findings == EXPECTED
    assert report.shows(seed.expected.findings)


def test_export_of_the_replay_is_the_same_seed(leak: list[bytes]):
    """Export, replay, export is a fixed point."""
    seed = seed_of(leak)
    again = record(RUN, seed.tape.faults, seed.scenario.switches).lines
    assert seed_of(again).to_text() == seed.to_text()


def test_seed_of_a_finding_names_it_and_expects_nothing_else(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        finding = log.detect([DETECTOR]).findings[0]
        seed = log.export_finding(finding.finding_id)
    assert seed.origin == Origin(run_id=RUN, finding=finding.finding_id, subject="control_plane/cp-1-a")
    assert seed.expected.findings == EXPECTED


def test_seed_of_an_object_expects_the_findings_about_it(leak: list[bytes]):
    with Timeline.in_memory(leak) as log:
        assert log.export_object("control_plane/cp-1-a").expected.findings == EXPECTED
        assert log.export_object("lease/janitor").expected.findings == []


def test_bug_switched_off_diverges_where_the_fix_acts_and_the_finding_is_gone(leak: list[bytes]):
    """Two seconds after losing the lease the fixed elector stands again: that is the first divergence."""
    report = replay(seed_of(leak), {"runs_once": False})
    assert report.equal is False
    assert report.findings == []
    assert report.first_divergence is not None
    assert "lease.attempted" in (report.first_divergence.actual or "")
    assert "lease.lost" in report.first_divergence.common[-1]


def test_changed_policy_diverges_too(leak: list[bytes]):
    report = replay(seed_of(leak), policy={"heartbeat_s": "10"})
    assert report.equal is False
    assert report.first_divergence is not None
    assert "control_plane.heartbeated" in (report.first_divergence.expected or "")


def test_divergence_is_named_from_the_recorded_run_where_it_is_at_hand(leak: list[bytes]):
    """A recording that another program made: its one other decision is named."""
    other = [line.replace(b'"reason":"lapsed"', b'"reason":"renew_deadline_exceeded"') for line in leak]
    seed = seed_of(leak)
    tampered = seed.model_copy(update={"expected": seed.expected.model_copy(update={"digest": "0" * 64})})
    with Timeline.in_memory(other) as recorded:
        report = replay(tampered, recorded=recorded.stream())
    assert report.first_divergence is not None
    assert "reason=renew_deadline_exceeded" in (report.first_divergence.expected or "")
    assert "reason=lapsed" in (report.first_divergence.actual or "")


def test_divergence_is_named_by_its_block_where_only_the_seed_is_at_hand():
    """Nothing but the trail: the block of 64 events is said."""
    long = record(RUN, [LOSE], {"runs_once": True}, length=700_000_000)
    seed = seed_of(long.lines)
    trail = [seed.expected.trail[0], *("00000000" for _ in seed.expected.trail[1:])]
    tampered = seed.model_copy(update={"expected": seed.expected.model_copy(update={"digest": "0" * 64, "trail": trail})})
    report = replay(tampered)
    assert report.first_divergence is not None
    assert (report.first_divergence.index, report.first_divergence.expected) == (64, "events 64 to 127 with digest 00000000")


def test_cut_recording_is_compared_as_far_as_it_goes(leak: list[bytes]):
    """Without its end there is no digest: alone it cannot be judged, with the recorded run at hand it can."""
    cut = leak[:-1]
    with Timeline.in_memory(cut) as log:
        seed = log.export_run()
        assert seed.expected.digest is None
        assert [missing.partition(":")[0] for missing in seed.missing_inputs] == ["recording.ended"]
        assert replay(seed).equal is None
        assert replay(seed, recorded=log.stream()).equal is True


def test_run_that_nobody_recorded_is_exported_but_not_replayed(leak: list[bytes]):
    """The seed says what is missing, and a replay of it is refused with that."""
    with Timeline.in_memory(leak[1:-1]) as log:
        seed = log.export_run()
    assert seed.fidelity == "inputs"
    with pytest.raises(SeedInvalid, match="random seed"):
        replay(seed)


def test_seed_for_a_replayer_that_is_not_installed_is_refused_with_its_name(leak: list[bytes]):
    seed = seed_of(leak).model_copy(update={"replayer": "theirs"})
    with pytest.raises(SeedInvalid, match=r"the replayer 'theirs'.*installed: .*tiny"):
        replay(seed)


def test_secret_in_the_recording_is_not_exported(leak: list[bytes]):
    """It is blacked out, and the seed says where."""
    head = json.loads(leak[0])
    head["data"]["scenario"]["dsn"] = "postgres://scheduler:hunter2@db/jobs"
    head["data"]["policy"]["note"] = "token=hunter2hunter2"
    with Timeline.in_memory([json.dumps(head).encode(), *leak[1:]]) as log:
        seed = log.export_run()
    assert "hunter2" not in seed.to_text()
    assert seed.scenario.document["dsn"] == BLACKED_OUT
    assert seed.missing_inputs == ["scenario.dsn: a secret, blacked out", "policy.note: a secret, blacked out"]


def test_generated_test_holds_nothing_of_the_log(tmp_path: Path):
    """Only the place of the seed, as a literal: text of events never becomes code."""
    text = pytest_of(tmp_path / 'a"; import os #.json', tmp_path / "tests" / "test_it.py")
    compiled = compile(text, "test_it.py", "exec")  # parses; nothing is run
    assert compiled is not None
    assert 'SEED = Path(__file__).parent / "../a\\"; import os #.json"' in text


def test_findings_of_a_report_are_held_against_what_is_expected():
    """A finding about another subject is not the expected one."""
    replayed = record(RUN, [*NOISE, LOSE], {"runs_once": True})
    seed = ReplaySeed(
        fidelity="exact",
        replayer="tiny",
        origin=Origin(run_id=RUN),
        scenario=Setting(name="tiny", document={}),
        tape=Tape(random_seed=1),
        expected=Expected(digest=replayed.digest),
    )
    report: ReplayReport = judge(seed, replayed)
    assert report.shows(EXPECTED)
    assert not report.shows([ExpectedFinding(detector=DETECTOR, subject="control_plane/cp-2-a")])
