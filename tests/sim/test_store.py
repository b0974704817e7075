"""The store: compare-and-set, one order of commits, leases by its own clock, locks in order, watches that lag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reference_cluster.effects import (
    Commit,
    Committed,
    Conflict,
    Lease,
    LeaseHeld,
    LeaseRefused,
    List,
    Lock,
    Now,
    Program,
    Read,
    Sleep,
    TryLock,
    Unlock,
    Watch,
)
from reference_cluster.records import STORE_NOW, Check, Delete, Put
from reference_cluster.sim.kernel import ProgramFailed
from reference_cluster.sim.run import Latency, Simulation
from tests.sim.small import PROMPT, SECOND, at, heartbeat, play, start

WORKER = {"state": "idle", "owner": "cp-1", "epoch": 3}


def with_worker(simulation: Simulation) -> None:
    simulation.store.write(Put("worker", "w-1", WORKER, None))


@pytest.mark.parametrize(
    ("expect", "fence", "want", "got"),
    [
        ({"state": "idle", "epoch": 2}, "epoch", 2, 3),
        ({"owner": "cp-2"}, "owner", "cp-2", "cp-1"),
        ({"version": 2}, "version", 2, 1),
        ({"updated_us": 0}, "updated_us", 0, 1_767_225_600_000_000),
        ({"no_such_field": 1}, "no_such_field", 1, None),
        (None, "row_exists", "absent", "present"),
    ],
)
def test_a_conflict_names_the_field_that_differed(expect: Mapping[str, object] | None, fence: str, want: object, got: object):
    answers: list[object] = []

    async def writer() -> None:
        answers.append(await Commit((Put("worker", "w-1", {"state": "hot"}, expect),), (heartbeat(),), "activate"))

    simulation = play({"a": writer()}, prepare=with_worker)
    assert answers == [Conflict("worker", "w-1", fence, want, got)]
    assert dict(simulation.store.rows("worker")[0].fields) == WORKER
    assert simulation.lines == []


def test_a_row_that_is_gone_is_a_conflict_of_its_own():
    answers: list[object] = []

    async def writer() -> None:
        answers.append(await Commit((Delete("worker", "w-9", {}),), (), "delete"))

    play({"a": writer()})
    assert answers == [Conflict("worker", "w-9", "row_missing", "present", "absent")]


def test_a_commit_writes_all_of_its_rows_or_none():
    answers: list[object] = []

    async def writer() -> None:
        good, bad = Put("slot", "s-1", {}, None), Check("worker", "w-1", {"epoch": 4})
        answers.append(await Commit((good, bad), (), "spawn"))
        answers.append(await Commit((good, Check("worker", "w-1", {"epoch": 3})), (), "spawn"))

    simulation = play({"a": writer()}, prepare=with_worker)
    assert answers == [Conflict("worker", "w-1", "epoch", 4, 3), Committed(2, simulation.store.rows("slot")[0].updated_us)]
    assert [row.version for row in simulation.store.rows("worker")] == [1], "a check writes nothing"


def test_a_row_written_twice_in_one_commit_is_a_bug_of_ours():
    async def writer() -> None:
        put = Put("worker", "w-1", {}, None)
        await Commit((put, put), (), "twice")

    with pytest.raises(ProgramFailed, match="a/main writes one row twice in the commit 'twice'"):
        play({"a": writer()})


def test_a_write_counts_the_version_and_keeps_the_fields_it_does_not_name():
    rows: list[Any] = []

    async def writer() -> None:
        await Commit((Put("worker", "w-1", {"state": "hot", "since_us": STORE_NOW}, {"version": 1}),), (), "activate")
        rows.append(await Read("worker", "w-1"))

    play({"a": writer()}, prepare=with_worker)
    (row,) = rows
    assert row.fields == {**WORKER, "state": "hot", "since_us": row.updated_us}
    assert (row.version, row.revision, at(row.updated_us), at(row.read_us)) == (2, 2, 1_000, 3_000)


def test_a_reader_cannot_change_the_store_through_a_row():
    async def meddler() -> None:
        row = await Read("worker", "w-1")
        assert row is not None
        with pytest.raises(TypeError):
            row.fields["state"] = "lost"  # type: ignore[index]  # the point of the test

    play({"a": meddler()}, prepare=with_worker)


def test_a_list_gives_what_matches_in_order_of_key():
    keys: list[list[str]] = []

    def rows(simulation: Simulation) -> None:
        for key, state, org in (("w-3", "hot", "a"), ("w-1", "idle", "a"), ("w-2", "hot", "b"), ("w-4", "lost", "a")):
            simulation.store.write(Put("worker", key, {"state": state, "org": org}, None))

    async def lister() -> None:
        wheres: tuple[dict[str, object], ...] = ({}, {"state": ("hot", "idle")}, {"state": "hot", "org": "a"})
        keys.extend([[row.key for row in await List("worker", where)] for where in wheres])

    play({"a": lister()}, prepare=rows)
    assert keys == [["w-1", "w-2", "w-3", "w-4"], ["w-1", "w-2", "w-3"], ["w-3"]]


def test_a_read_sees_the_store_at_one_instant_between_request_and_answer():
    """The write lands 1.5 ms into the run; a read that is answered after 2 ms looked at 1 ms."""
    seen: list[object] = []

    async def reader() -> None:
        seen.append(await Read("worker", "w-1"))
        seen.append(at(await Now()))

    def later(simulation: Simulation) -> None:
        simulation.after(1_500, lambda: with_worker(simulation))

    play({"a": reader()}, prepare=later)
    assert seen == [None, 2_000]


def test_only_one_of_many_writers_of_the_same_version_wins():
    answers: list[str] = []

    async def writer(name: str) -> None:
        result = await Commit((Put("worker", "w-1", {"owner": name}, {"version": 1}),), (), "claim")
        answers.append(type(result).__name__)

    play({name: writer(name) for name in "abcd"}, prepare=with_worker, latency=Latency())
    assert sorted(answers) == ["Committed", "Conflict", "Conflict", "Conflict"]


# ---- advisory locks


def test_a_lock_goes_to_those_who_wait_in_the_order_in_which_they_came():
    log: list[str] = []

    async def holder(name: str, wait_us: int) -> None:
        await Sleep(wait_us)
        await Lock("gate")
        log.append(name)
        await Sleep(SECOND)
        await Unlock("gate")

    play({name: holder(name, wait_us) for name, wait_us in (("c", 30), ("a", 10), ("d", 40), ("b", 20))})
    assert log == ["a", "b", "c", "d"]


def test_a_lock_is_not_reentrant():
    log: list[str] = []

    async def twice() -> None:
        await Lock("gate")
        log.append("first")
        await Lock("gate")
        log.append("second")

    play({"a": twice()})
    assert log == ["first"]


def test_a_try_for_a_lock_does_not_wait():
    got: list[bool] = []

    async def trying() -> None:
        got.append(await TryLock("gate"))
        got.append(await TryLock("gate"))
        await Unlock("gate")
        got.append(await TryLock("gate"))

    play({"a": trying()})
    assert got == [True, False, True]


@pytest.mark.parametrize("how", ["returns", "crashes"])
def test_a_lock_is_free_again_when_its_task_is_gone(how: str):
    log: list[int] = []

    async def holder() -> None:
        await Lock("gate")
        await Sleep(SECOND if how == "returns" else 60 * SECOND)

    async def waiting() -> None:
        await Sleep(10_000)
        await Lock("gate")
        log.append(at(await Now()))

    def crash(simulation: Simulation) -> None:
        if how == "crashes":
            simulation.after(SECOND, lambda: simulation.crash(simulation.instances["a"]))

    play({"a": holder(), "b": waiting()}, prepare=crash)
    assert len(log) == 1
    assert SECOND < log[0] < SECOND + 10_000


def test_a_lock_is_not_given_to_a_task_that_died_waiting():
    log: list[str] = []

    async def holder(name: str, wait_us: int, hold_us: int) -> None:
        await Sleep(wait_us)
        await Lock("gate")
        log.append(name)
        await Sleep(hold_us)
        await Unlock("gate")

    def crash(simulation: Simulation) -> None:
        simulation.after(SECOND // 2, lambda: simulation.crash(simulation.instances["b"]))

    play({"a": holder("a", 0, SECOND), "b": holder("b", 1_000, 1), "c": holder("c", 2_000, 1)}, prepare=crash)
    assert log == ["a", "c"]


def test_giving_back_a_lock_that_another_holds_is_a_bug_of_ours():
    async def careless() -> None:
        await Unlock("gate")

    with pytest.raises(ProgramFailed, match="a/main gives back the lock 'gate', which nobody holds"):
        play({"a": careless()})


# ---- leases


def test_a_lease_runs_out_by_the_clock_of_the_store_and_by_no_other():
    """The contender's clock is a day ahead: that does not bring the lease any sooner."""
    answers: list[object] = []

    async def leader() -> None:
        answers.append(await Lease("janitor", "cp-1", 20 * SECOND))

    async def contender() -> None:
        await Sleep(10 * SECOND)
        answers.append(await Lease("janitor", "cp-2", 20 * SECOND))
        await Sleep(11 * SECOND)
        answers.append(await Lease("janitor", "cp-2", 20 * SECOND))

    simulation = Simulation(1, latency=PROMPT)
    start(simulation, "cp-1", leader())
    start(simulation, "cp-2", contender(), clock_offset_us=86_400 * SECOND)
    simulation.run(60 * SECOND)
    assert answers == [
        LeaseHeld(term=1, revision=1, previous_holder=None),
        LeaseRefused(holder="cp-1", term=1, remaining_us=10 * SECOND),
        LeaseHeld(term=2, revision=2, previous_holder="cp-1"),
    ]


def test_a_renewal_keeps_the_term_and_a_lease_given_back_is_free_at_once():
    terms: list[int] = []

    async def leaders() -> None:
        for holder, ttl_us in (("cp-1", SECOND), ("cp-1", SECOND), ("cp-1", 0), ("cp-2", SECOND)):
            answer = await Lease("janitor", holder, ttl_us)
            assert isinstance(answer, LeaseHeld)
            terms.append(answer.term)

    play({"a": leaders()})
    assert terms == [1, 1, 1, 2]


# ---- watches


def test_a_watch_delivers_every_change_once_in_order_of_revision_and_late():
    """Whatever the moments of the writes: nothing is left out, nothing comes sooner than the delay."""

    @given(some.lists(some.integers(0, 40_000), min_size=1, max_size=12))
    def holds(moments: list[int]) -> None:
        seen: list[tuple[int, int, int]] = []

        async def watcher() -> None:
            after = 0
            while True:
                for change in await Watch("tenant", after):
                    assert change.row is not None
                    seen.append((change.revision, at(change.row.updated_us), at(await Now())))
                    after = change.revision

        def writes(simulation: Simulation) -> None:
            for number, moment in enumerate(moments):
                put = Put("tenant", f"org-{number}", {}, None)
                simulation.after(moment, lambda put=put: simulation.store.write(put))  # type: ignore[misc]  # mypy cannot infer it

        play({"a": watcher()}, prepare=writes, until_us=SECOND)
        assert [revision for revision, _, _ in seen] == list(range(1, len(moments) + 1))
        assert [written for _, written, _ in seen] == sorted(moments)
        assert all(10_000 <= delivered - written <= 30_000 for _, written, delivered in seen)

    holds()


def test_a_watch_says_what_was_deleted():
    changes: list[tuple[int, bool]] = []

    async def watcher() -> None:
        await Sleep(SECOND)
        changes.extend((change.revision, change.row is None) for change in await Watch("worker", 0))

    def writes(simulation: Simulation) -> None:
        with_worker(simulation)
        simulation.store.write(Delete("worker", "w-1", {"state": "idle"}))

    play({"a": watcher()}, prepare=writes)
    assert changes == [(1, False), (2, True)]


def test_all_commits_have_one_order_whatever_the_delays():
    """Twenty writers at once: revisions are 1 to 20 and rise with the store's clock."""
    commits: list[Committed] = []

    async def writer(name: str) -> None:
        result = await Commit((Put("worker", name, {}, None),), (heartbeat(name),), "new")
        assert isinstance(result, Committed)
        commits.append(result)

    def programs() -> dict[str, Program]:
        return {f"a-{number}": writer(f"w-{number}") for number in range(20)}

    play(programs(), latency=Latency())
    commits.sort(key=lambda commit: commit.revision)
    assert [commit.revision for commit in commits] == list(range(1, 21))
    assert [commit.commit_us for commit in commits] == sorted(commit.commit_us for commit in commits)
