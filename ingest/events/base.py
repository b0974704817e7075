"""The decision event: one recorded choice of an actor about a subject, with what it had seen and why.

`Event` is the envelope, the same for every control plane. `Decision` is the base of the classes that describe the
`data` of one kind each: a class per kind, found by subclass, never listed anywhere. A name of a field means one thing
and has one type in the whole vocabulary, so that a family of kinds can share one typed table (`ingest.schema`).

The form is version 1 of the wire contract: one JSON object per line.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

WIRE_VERSION = 1

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Micros = Annotated[int, Field(ge=-(2**62), le=2**62)]
Outcome = Literal["attempted", "committed", "conflict", "unknown", "failed", "rejected", "skipped", "observed"]
"""What became of a decision. `unknown`: it may or may not have happened (Maelstrom calls such an error indefinite)."""


class Strict(BaseModel):
    """No coercion, no unknown fields, no change after it is made: an event is evidence."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ObjectId(Strict):
    """An object of the control plane: what a decision is about."""

    kind: Identifier
    """What sort of object: worker, session, lease, control_plane, org, pod."""
    id: Identifier
    """Its identity, unique among objects of its kind in the run."""


class Ref(Strict):
    """Another object that an event touches; a timeline is per object, many to many (OCEL 2.0)."""

    role: Identifier
    """The part it plays in this decision: owner, org, worker, lease, control_plane."""
    kind: Identifier
    """What sort of object it is."""
    id: Identifier
    """Its identity."""


class Input(Strict):
    """One thing that the decision had read. Most failures are the age of one of these."""

    source: Literal["cache", "store", "lease", "config", "peer", "clock", "rng"]
    """Where it was read."""
    kind: Identifier
    """What sort of object was read."""
    id: Identifier
    """Which one."""
    version: int | None = None
    """The version that was read."""
    age_ms: int | None = None
    """How old the reading was when the decision was taken, in milliseconds."""
    digest: str | None = None
    """Digest of the value that was read."""


class Event(Strict):
    """The envelope of every decision event, known kind or not."""

    event_id: Identifier
    """Unique in its run; the same id again is the same event."""
    run_id: Identifier
    """One recording of one control plane."""
    time: str
    """The producer's wall clock, RFC 3339 with offset; shown, never trusted between actors."""
    actor: Identifier
    """Who decided: `instance/component`, such as `cp-1/janitor`."""
    incarnation: Identifier | None = None
    """Minted at process start; a restarted actor is a new one."""
    seq: int | None = None
    """Position in the stream of this actor incarnation; a hole is a lost event."""
    clock: int | None = None
    """Lamport clock; with `caused_by` it orders events between actors."""
    kind: Identifier
    """`family.past_participle`, such as `worker.parked`."""
    revision: int | None = None
    """The store's revision, for what a store committed: one total order of all commits."""
    commit_time: str | None = None
    """The store's own clock at that commit, RFC 3339 with offset."""
    subject: ObjectId
    """What was decided about."""
    refs: tuple[Ref, ...] = ()
    """The other objects that the decision touches."""
    workload: Identifier | None = None
    """The workload that the decision serves."""
    generation: int | None = None
    """The version of desired state that was acted upon."""
    epoch: int | None = None
    """Fencing number; a write with an older one must fail."""
    caused_by: tuple[Identifier, ...] = ()
    """Ids of the events that led to this one."""
    inputs: tuple[Input, ...] = ()
    """What the decision had read, at which version, how old."""
    outcome: str | None = None
    """What became of it: committed, conflict, unknown, failed, rejected, skipped, attempted, observed."""
    reason: str | None = None
    """Machine reason, one of the kind's own closed list."""
    data: dict[str, Any] = {}
    """The kind's own fields."""


class Decision(Strict):
    """The `data` of one kind of event. Subclasses with a `kind` are the vocabulary; those without are shared fields."""

    kind: ClassVar[str] = ""
    family: ClassVar[str] = ""
    subject_kind: ClassVar[str] = ""
    outcomes: ClassVar[tuple[str, ...]] = ("committed",)

    def __init_subclass__(cls, *, kind: str = "", subject: str = "", outcome: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = kind
        below = cls.__module__.removeprefix("ingest.events.")
        cls.family = below.partition(".")[0] if below != cls.__module__ else below.rpartition(".")[2]
        if subject:
            cls.subject_kind = subject
        if outcome:
            cls.outcomes = tuple(outcome.split())
            unknown = set(cls.outcomes) - set(get_args(Outcome))
            if unknown:
                raise TypeError(f"{cls.__name__}: outcomes {sorted(unknown)} are not in the vocabulary {get_args(Outcome)}")
