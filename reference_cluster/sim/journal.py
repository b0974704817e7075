"""The recorder: decisions become lines of the event file, effects become the journal that a replay follows.

A line is written at the moment of recording: in the step of the commit, or when `Emit` is asked for. That moment gives
the event its `seq` in the stream of its actor incarnation and its Lamport clock; `time` is what the process's own clock
showed when the effect was issued. A cause is what the program names, else the last event of the same task, else the
event that led to the task or to the message that it works on.

The digest of a run is SHA-256 over its decision lines without their `run_id`, so that two runs can be held against
each other; `recording.*` lines are not part of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json

from ingest.events.base import Decision, Event, ObjectId
from ingest.events.recording import RecordingEffects, RecordingEnded, RecordingStarted
from reference_cluster.effects import Call, Commit, Emit, Lease, List, Lock, Now, Random, Read, Receive, Request, Said, TryLock, Watch
from reference_cluster.sim.kernel import EPOCH_US, Kernel, ProgramFailed, Raise, Task, rfc3339

TRAIL_STRIDE = 64
STRETCH = 200
RECORDER = "sim/recorder"

_EVENT = TypeAdapter(Event)

Sink = Callable[[bytes], object]


class Journal:
    """Records decision events to a sink, one line each, and effects where asked to. Adds the row for `Emit`."""

    def __init__(self, kernel: Kernel, run_id: str, sink: Sink, effects: bool = False) -> None:
        self.run_id = run_id
        self.events = 0
        self.trail: list[str] = []
        self._kernel = kernel
        self._sink = sink
        self._digest = sha256()
        self._run_id_part = b'"run_id":' + to_json(run_id) + b","
        self._seqs: dict[str, int] = {}
        self._recorder_lines = 0
        self._effects: list[list[Any]] = []
        kernel.handlers[Emit] = self._emit
        if effects:
            kernel.completed = self._completed

    # Decision events

    def record(
        self, task: Task, said: tuple[Said, ...], issued_us: int, revision: int | None = None, commit_us: int | None = None
    ) -> tuple[str, ...]:
        """Write the events of one effect, issued at that true time, and give their ids. Raises ProgramFailed on what is no event."""
        process = task.process
        actor, stream = f"{process.instance}/{task.component}", f"{process.incarnation}/{task.component}"
        time = rfc3339(EPOCH_US + issued_us + process.clock_offset_us)
        commit_time = rfc3339(commit_us) if commit_us is not None else None
        seq = self._seqs.get(stream, 0)
        ids = []
        for one in said:
            seq += 1
            process.lamport += 1
            decision = one.decision
            event_id = f"{stream}:{seq}"
            self._write(
                {
                    "event_id": event_id,
                    "run_id": self.run_id,
                    "time": time,
                    "actor": actor,
                    "incarnation": process.incarnation,
                    "seq": seq,
                    "clock": process.lamport,
                    "kind": decision.kind,
                    "revision": revision,
                    "commit_time": commit_time,
                    "subject": _object_id(decision.subject_kind, one.subject),
                    "refs": one.refs,
                    "workload": one.workload,
                    "generation": one.generation,
                    "epoch": one.epoch,
                    "caused_by": one.caused_by or ((task.cause,) if task.cause is not None else ()),
                    "inputs": one.inputs,
                    "outcome": _outcome_of(one, actor),
                    "reason": one.reason,
                    "data": decision.model_dump(exclude_none=True),
                }
            )
            task.cause = event_id
            ids.append(event_id)
        self._seqs[stream] = seq
        return tuple(ids)

    def _emit(self, task: Task, effect: Emit) -> tuple[str, ...]:
        return self.record(task, effect.events, self._kernel.now_us)

    def _write(self, envelope: dict[str, Any]) -> None:
        try:
            event = _EVENT.validate_python(envelope)
        except ValidationError as error:
            raise ProgramFailed(f"{envelope['actor']} said {envelope['kind']}, which is no event: {error}") from error
        line = _EVENT.dump_json(event, exclude_defaults=True) + b"\n"
        self._sink(line)
        self._digest.update(line.replace(self._run_id_part, b"", 1))
        self.events += 1
        if self.events % TRAIL_STRIDE == 0:
            self.trail.append(self._digest.hexdigest()[:8])

    @property
    def digest(self) -> str:
        """SHA-256 of the decision events so far."""
        return self._digest.hexdigest()

    # The recording: what a replay needs

    def head(self, started: RecordingStarted) -> None:
        """Write the first line."""
        self._record_recording(started)

    def end(self) -> None:
        """Write the effects that are left, and the last line."""
        self._flush()
        digest, horizon_us = self.digest, self._kernel.now_us
        self._record_recording(RecordingEnded(digest=digest, trail=self.trail, events=self.events, horizon_us=horizon_us))

    def _record_recording(self, decision: Decision) -> None:
        self._recorder_lines += 1
        event = Event(
            event_id=f"recorder:{self._recorder_lines}",
            run_id=self.run_id,
            time=rfc3339(EPOCH_US + self._kernel.now_us),
            actor=RECORDER,
            seq=self._recorder_lines,
            kind=decision.kind,
            subject=_object_id(decision.subject_kind, self.run_id),
            outcome=decision.outcomes[0],
            data=decision.model_dump(),
        )
        self._sink(_EVENT.dump_json(event, exclude_defaults=True) + b"\n")

    # The effect journal

    def _completed(self, task: Task, answer: Any) -> None:
        """A program receives an answer: one row of program, n, effect, outcome, revision, digest."""
        effect = task.effect
        revision = task.revision if isinstance(effect, _AT_THE_STORE) else None
        program = f"{task.process.incarnation}/{task.component}#{task.handle.id}"
        self._effects.append([program, task.n, type(effect).__name__, _outcome(effect, answer), revision, digest_of(answer)])
        if len(self._effects) == STRETCH:
            self._flush()

    def _flush(self) -> None:
        if self._effects:
            self._record_recording(RecordingEffects(effects=self._effects))
            self._effects = []


@lru_cache(maxsize=4096)
def _object_id(kind: str, identity: str) -> ObjectId:
    try:
        return ObjectId(kind=kind, id=identity)
    except ValidationError as error:
        raise ProgramFailed(f"a program spoke of {kind}/{identity!r}, which is no object: {error}") from error


def _outcome_of(said: Said, actor: str) -> str:
    known = said.decision.outcomes
    if said.outcome is None:
        return known[0]
    if said.outcome not in known:
        raise ProgramFailed(f"{actor} said {said.decision.kind} with the outcome {said.outcome!r}; it has {', '.join(known)}")
    return said.outcome


_AT_THE_STORE = (Read, List, Watch, Commit, Lease, Lock, TryLock)


def _outcome(effect: object, answer: Any) -> Any:
    """What became of an effect; for local chance and for messages, the value itself: nobody can compute it again."""
    if isinstance(answer, Raise):
        return type(answer.error).__name__
    if isinstance(effect, (Now, Random)):
        return answer
    if isinstance(answer, Request):
        return answer.id
    if isinstance(effect, (Commit, Lease)):
        return type(answer).__name__.lower()
    if isinstance(effect, TryLock):
        return "held" if answer else "busy"
    return "answered" if isinstance(effect, (Call, Receive)) else "done"


def digest_of(answer: Any) -> str:
    """The first eight digits of the SHA-256 of an answer as canonical JSON."""
    return sha256(json.dumps(answer, default=_plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:8]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Raise):
        return repr(value.error)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"an answer holds {value!r}, which has no JSON form")
