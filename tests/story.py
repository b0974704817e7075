"""Stories: a log in the notation, made into a database with fresh models.

A test writes only what it is about. What a line leaves out is filled in from the lines before it and from the kind's
class: incarnation `cp-1-a`, `seq` and `clock` by line, revision and commit time for what the store committed, a worker's
state, owner, tenant and epoch from its last write, a lease's term, and the timings of the reference control plane.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from textwrap import dedent
from typing import Any

import duckdb

from ingest.database import Database
from ingest.events import KINDS, Event, Ref
from ingest.load import load as ingest
from timeline import notation
from timeline.blank import blank
from timeline.moment import moment, moment_us
from timeline.refresh import refresh

START_US = moment_us("2026-01-01T00:00:00Z")
SECOND = 1_000_000

WORKER_MOVES: dict[str, tuple[str | None, str]] = {
    "worker.slot_created": (None, "spawning"),
    "worker.spawned": ("spawning", "idle"),
    "worker.slot_freed": ("spawning", "retired"),
    "worker.assigned": ("idle", "reserved"),
    "worker.claimed": ("hot_idle", "reserved"),
    "worker.activation_started": ("reserved", "activating"),
    "worker.heartbeated": ("activating", "activating"),
    "worker.refreshed": ("hot_idle", "hot_idle"),
    "worker.activated": ("activating", "hot"),
    "worker.parked": ("hot", "hot_idle"),
    "worker.drain_started": ("hot_idle", "draining"),
    "worker.retired": ("draining", "retired"),
    "worker.lost": ("draining", "lost"),
}
REWRITES = ("worker.heartbeated", "worker.refreshed")

SECONDS = {
    "control_plane_expiry": 20, "orphan_grace": 30, "hot_idle_ttl": 60, "spawn_stuck": 600, "activation_stuck": 300, "drain_bound": 900,
    "lease_duration": 20, "lease_renew_deadline": 15, "lease_retry": 5, "lease_backoff": 2, "tick": 5, "fallback_tick": 60, "pool_tick": 10,
    "heartbeat": 5, "spawn_budget": 480, "activation_heartbeat": 60, "persist_timeout": 5, "call_timeout": 10, "pod_grace": 60,
    "reconcile": 120, "duration": 20, "renew_deadline": 15, "retry": 5, "backoff": 2, "interval": 5, "bound": 900, "budget": 480,
}  # fmt: skip
"""Timings that a story does not say: those of the reference control plane, in seconds."""

USUAL: dict[str, Any] = {
    "org": "acme", "vcpu": 8, "cap": 4, "sweep": "janitor", "scope": "fleet", "step": "hot_idle_ttl", "origin": "janitor_hot_idle_ttl",
    "fence": "state", "want": "hot_idle", "got": "reserved", "age_basis": "updated_at", "source": "spawn", "wanted_state": "hot_idle",
    "list_ok": True, "stamped": True, "moved_basis": True, "version": 1, "consecutive": 1, "memory_to": "hot_idle",
}  # fmt: skip
"""Other fields that a story does not say; numbers are 0."""


def story(text: str) -> duckdb.DuckDBPyConnection:
    """A database in memory that holds the log of the story, models fresh."""
    return database(tell(text))


def tell(text: str) -> list[Event]:
    """The events of a story, in the order of its lines, each complete. Blank lines and lines with `#` in front are skipped."""
    said = [line.strip() for line in dedent(text).splitlines()]
    teller = _Teller()
    return [teller.complete(notation.parse(line, start_us=START_US)) for line in said if line and not line.startswith("#")]


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query; a test compares them with a literal list."""
    return connection.execute(query).fetchall()


class _Teller:
    """Fills in what a line leaves out, from the lines before it."""

    def __init__(self) -> None:
        self.clock = 0
        self.revision = 0
        self.seqs: dict[tuple[str, str, str], int] = {}
        self.workers: dict[tuple[str, str], dict[str, Any]] = {}
        self.terms: dict[tuple[str, str], int] = {}

    def complete(self, line: notation.Line) -> Event:
        event = line.event
        self.clock += 1
        instance, _, component = event.actor.partition("/")
        incarnation = event.incarnation or f"{instance}-a"
        stream = (event.run_id, event.actor, incarnation)
        seq = event.seq if event.seq is not None else self.seqs.get(stream, 0) + 1
        self.seqs[stream] = seq
        told_id = event.event_id != notation.usual_id(event.actor, event.incarnation, event.seq)
        filled = {
            "incarnation": incarnation,
            "seq": seq,
            "clock": event.clock if event.clock is not None else self.clock,
            "event_id": event.event_id if told_id else f"{incarnation}/{component}:{seq}",
            **self._committed(event, line.at_us),
            **self._own_fields(event.model_copy(update={"incarnation": incarnation})),
        }
        return Event.model_validate({**event.model_dump(), **filled})

    def _committed(self, event: Event, at_us: int) -> dict[str, Any]:
        if event.outcome != "committed" or event.revision is not None:
            return {}
        self.revision += 1
        return {"revision": self.revision, "commit_time": moment(at_us)}

    def _own_fields(self, event: Event) -> dict[str, Any]:
        """The fields of the kind, the refs that follow from them, and the epoch."""
        decision = KINDS.get(event.kind)
        if decision is None:
            return {}
        data, epoch = dict(event.data), event.epoch
        if event.kind in WORKER_MOVES:
            data, epoch = self._worker_write(event)
        if event.subject.kind == "lease" and "term" in decision.model_fields:
            lease = (event.run_id, event.subject.id)
            data.setdefault("term", self.terms.get(lease, 0) + (event.kind == "lease.acquired"))
            self.terms[lease] = data["term"]
        for name, field in decision.model_fields.items():
            if field.is_required() and name not in data:
                data[name] = _usual(name, event, str(field.annotation))
        decision.model_validate(data)
        return {"data": data, "epoch": epoch, "refs": _refs(event, data)}

    def _worker_write(self, event: Event) -> tuple[dict[str, Any], int]:
        row = self.workers.setdefault((event.run_id, event.subject.id), {})
        from_state, to_state = WORKER_MOVES[event.kind]
        if row and event.kind not in REWRITES:
            from_state = row["to_state"]
        elif row:
            from_state = to_state = row["to_state"]
        epoch = event.epoch if event.epoch is not None else row.get("epoch", 1) + (event.kind == "worker.claimed")
        owner = event.incarnation if event.kind in {"worker.slot_created", "worker.claimed"} or not row else row["owner"]
        data = {"from_state": from_state, "to_state": to_state, "owner": owner, "org": row.get("org", "acme"), "vcpu": row.get("vcpu", 8)}
        if event.kind == "worker.claimed":
            data["previous_owner"] = row.get("owner", owner)
        data |= event.data
        row |= {**data, "epoch": epoch}
        return data, epoch


def _usual(name: str, event: Event, annotation: str) -> Any:
    """What a required field says where the story leaves it out."""
    if name.removesuffix("_us") in SECONDS and name.endswith("_us"):
        return SECONDS[name.removesuffix("_us")] * SECOND
    if name in {"owner", "holder"}:
        return event.incarnation
    if name == "instance":
        return event.actor.partition("/")[0]
    if name in USUAL:
        return USUAL[name]
    assert "int" in annotation, f"tests/story.py: give field {name} of {event.kind} a value in USUAL"
    return 0


def _refs(event: Event, data: dict[str, Any]) -> tuple[Ref, ...]:
    """The refs that the story says, and those that every emitter gives."""
    told = {ref.role for ref in event.refs}
    usual = {"org": data.get("org"), "owner": data.get("owner") if event.subject.kind == "worker" else None}
    usual["control_plane"] = event.incarnation if event.subject.kind in {"session", "lease"} else None
    kinds = {"org": "org", "owner": "control_plane", "control_plane": "control_plane"}
    return (*event.refs, *(Ref(role=role, kind=kinds[role], id=name) for role, name in usual.items() if name and role not in told))


def database(events: Iterable[Event]) -> duckdb.DuckDBPyConnection:
    """A database in memory that holds these events, models fresh."""
    database = blank()
    load(database, events)
    refresh(database.connection)
    return database.connection


def load(database: Database, events: Iterable[Event]) -> None:
    """Ingest events from a file, as anybody would; the models are left as they are."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(event.model_dump_json() + "\n" for event in events)
        file.flush()
        ingest(database, [file.name]).check(is_strict=True)
