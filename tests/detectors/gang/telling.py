"""Stories about gangs: lines of the notation in which a job's row, and what follows from it, need not be said.

A member is `<gang>/<ordinal>`; any other job is plain. Who a line is about is its `>worker/…`. Timings are those of the reference
cluster: reaper 10 s, admission 5 s, a tick 15 s at most, heartbeat 5 s, stale 30 s, offline 60 s, reservation 30 s, grace 15 s,
drain 45 s, 3 attempts.
"""

from __future__ import annotations

import re
from typing import Any

from ingest.duration import duration, microseconds
from tests.detectors.telling import in_order
from tests.detectors.together import Told, told

TIMINGS = (
    "poll=1s job_heartbeat=5s job_stale=30s worker_stale=60s reaper_tick=10s admission_tick=5s tick_bound=15s "
    "reservation_timeout=30s preempt_grace=15s drain_timeout=45s max_retries=3"
)
MOVES = {
    "job.submitted": ("", "blocked"),
    "job.unblocked": ("blocked", "pending"),
    "job.reserved": ("blocked", "reserved"),
    "job.rolled_back": ("reserved", "blocked"),
    "job.claimed": ("reserved", "running"),
    "job.heartbeated": ("running", "running"),
    "job.completed": ("running", "done"),
    "job.requeued": ("preempted", "blocked"),
    "job.failed": ("preempted", "failed"),
    "job.drain_started": ("running", "preempting"),
    "job.checkpointed": ("preempting", "preempting"),
    "job.preempted": ("preempting", "preempted"),
    "job.force_drained": ("preempting", "preempted"),
}
"""The usual move of each durable write; a row that is known says where it really comes from."""

USUAL = {
    "job.submitted": "ordinal=0 priority=0 payload_digest=d1",
    "job.reserved": "reservation=1",
    "job.rolled_back": "reservation=1 age=30s reason=reservation_timeout",
    "job.claimed": "path=reservation reservation=1 offered_reservation=1",
    "job.checkpointed": "checkpoint_digest=d2 checkpoint_bytes=94",
    "job.preempted": "reason=acked",
    "job.force_drained": "age=45s age_basis=drain_started_us",
    "job.drain_started": "refunded=true",
    "job.done_rejected": "state=preempting fence=state want=running got=preempting",
    "job.fail_rejected": "state=preempting fence=state want=running got=preempting",
    "job.ack_rejected": "state=preempting fence=epoch want=epoch got=epoch want_epoch=1 got_epoch=0",
    "job.process_started": "claim=1 attempts=1",
    "job.process_ended": "claim=1 ran=5s reason=done",
    "gang.submitted": "size=2 priority=0",
    "gang.reserved": "size=2 reservation=1",
    "gang.rolled_back": "reservation=1 age=30s unclaimed=1 running=0",
    "gang.drain_started": "triggered_by=train/0 draining=2 transitioned=2 reason=reported_failure",
    "gang.drain_completed": "result=blocked age=10s reason=to_be_readmitted",
    "worker.registered": 'to_state=active instance=w cpu=4 build="1"',
    "worker.checked_in": "to_state=active",
    "tick.completed": "listed=0 acted=0",
    "tick.skipped": "reason=lock_held",
    "scheduler.configured": f"instance=s {TIMINGS}",
    "tick.started": TIMINGS,
    "scheduler.gauge_observed": "gauge=reaper_leader",
}
"""What a line of that kind says where the story does not; `name=value` of the notation."""

REPORTS = re.compile(r"job\.(heartbeated|completed|checkpointed|preempted|\w+_rejected|\w+_reported)")


def log(*texts: str) -> Told:
    """The story of all these lines, in order of their times."""
    return told("\n".join(complete(in_order(*texts))))


def loop(scheduler: str, name: str, since: str, until: str) -> str:
    """The lines of a loop that gets the lock at each of its intervals, and finds nothing to do."""
    actor, subject = f"{scheduler}/{name}", f"scheduler/{scheduler}-a"
    return "\n".join(
        f"{duration(at)} {actor} {subject} tick.started loop={name}\n{duration(at + 10_000)} {actor} {subject} tick.completed loop={name}"
        for at in _each({"reaper": "10s", "admission": "5s"}[name], since, until)
    )


def scheduler(name: str, until: str, since: str = "0s") -> str:
    """A scheduler with both loops. Each loop commits once, so that its clock is known."""
    committed = "\n".join(f"{since} {name}/{actor} job/first-of-{actor} job.failed" for actor in ("reaper", "admission"))
    configured = f"{since} {name}/scheduler scheduler/{name}-a scheduler.configured"
    return "\n".join([configured, committed, loop(name, "reaper", since, until), loop(name, "admission", since, until)])


def checking_in(worker: str, since: str, until: str, own: str = "") -> str:
    """The lines of a worker that shows every 5 s that it is alive."""
    return "\n".join(f"{duration(at)} s-1/api worker/{worker} worker.checked_in {own}" for at in _each("5s", since, until))


def _each(every: str, since: str, until: str) -> range:
    first, last, step = (microseconds(moment) for moment in (since, until, every))
    assert first is not None
    assert last is not None
    assert step is not None
    return range(first, last + 1, step)


def complete(lines: list[str]) -> list[str]:
    """Each line with what follows from its kind and from the lines before it."""
    rows: dict[str, dict[str, Any]] = {}
    epochs: dict[str, int] = {}
    return [_completed(line, rows, epochs) for line in lines if not line.startswith("#")]


def _completed(line: str, rows: dict[str, dict[str, Any]], epochs: dict[str, int]) -> str:
    _, _, subject, kind = line.split()[:4]
    subject_kind, _, name = subject.partition("/")
    usual = dict(token.split("=", 1) for token in USUAL.get(kind, "").split())
    told = dict(token.split("=", 1) for token in line.split()[4:] if "=" in token)
    refs = ""
    if subject_kind == "gang":
        epochs[name] = int(told.get("epoch", epochs.get(name, 0) + (kind == "gang.drain_started")))
        usual |= {"epoch": str(epochs[name]), "workload": name}
    if subject_kind == "job":
        gang = name.partition("/")[0] if "/" in name else None
        worker = re.search(r">worker/(\S+)", line)
        row = rows.setdefault(name, {"worker": None, "claim": 0, "attempts": 0})
        usual["workload"] = gang or name
        if gang is not None:
            usual["epoch"] = str(epochs.get(gang, 0))
            refs = f" >gang/{gang}"
        if kind in MOVES:
            usual |= _row(kind, gang, worker and worker[1], row, told)
        if REPORTS.fullmatch(kind):
            usual |= {"reported_by": (worker and worker[1]) or row["worker"] or "nobody", "reported_claim": str(row["claim"])}
    return " ".join([line, *(f"{field}={value}" for field, value in usual.items() if field not in told)]) + refs


def _row(kind: str, gang: str | None, worker: str | None, row: dict[str, Any], told: dict[str, str]) -> dict[str, str]:
    """The columns of a job's row after this write; the row is moved on."""
    before, after = row.get("state", MOVES[kind][0]), MOVES[kind][1]
    if kind in ("job.submitted", "job.requeued") and gang is None:
        after = "pending"
    attempts = row["attempts"]
    if kind == "job.claimed":
        row |= {"claim": row["claim"] + 1, "attempts": attempts + 1}
    if kind == "job.drain_started" and told.get("refunded") != "false":
        row["attempts"] = max(attempts - 1, 0)
    row["worker"] = None if after in ("blocked", "pending", "failed") else worker or row["worker"]
    row |= {"state": told.get("to_state", after), "attempts": int(told.get("attempts", row["attempts"]))}
    fields = {"from_state": before or None, "to_state": after, "gang": gang, "worker": row["worker"]}
    known = {name: value for name, value in fields.items() if value is not None}
    return known | {"claim": str(row["claim"]), "attempts_from": str(attempts), "attempts": str(row["attempts"]), "cpu": "1"}
