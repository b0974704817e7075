"""The replay seed: everything needed to run the same interleaving again, as plain JSON with a checksum.

Nothing in a seed is executable. Loading one opens nothing and runs nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import SeedInvalid

SEED_VERSION = 1
SEED_BYTES_MAX = 64 * 1024 * 1024


class Part(BaseModel):
    """Base of the parts of a seed: strict, closed, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(Part):
    """Where the seed came from."""

    run_id: str
    """The run that it was exported from."""
    finding: str | None = None
    """finding_id, where it was exported for one."""
    subject: str | None = None
    """kind/id of the object, where it was exported for one."""


class Setting(Part):
    """What runs: the scenario with its initial objects, the programs with their versions and switches."""

    name: str
    """Name of the scenario."""
    document: dict[str, Any]
    """The scenario document, whole, so that the seed needs no other file."""
    versions: dict[str, str] = {}
    """Versions of the programs that ran."""
    switches: dict[str, bool] = {}
    """Planted bugs, on or off."""
    policy: dict[str, Any] = {}
    """Policy values that differ from the scenario's own."""


class Tape(Part):
    """What chance and the outside world contributed."""

    random_seed: int
    """Seed of the one random generator."""
    faults: list[dict[str, Any]] = []
    """The fault plan: a sparse list, each with its chosen time."""
    inputs: list[dict[str, Any]] = []
    """External inputs in order, where they were recorded and not generated."""


class ExpectedFinding(Part):
    """A finding that the replay must show again."""

    detector: str
    """Name of the detector."""
    subject: str
    """kind/id of the object."""


class Expected(Part):
    """What a faithful replay gives."""

    digest: str | None = None
    """SHA-256 of the normalised event stream; null where the recording was cut."""
    trail: list[str] = []
    """Running digest after every 64 events, its first eight digits."""
    events: int | None = None
    """Number of decision events."""
    findings: list[ExpectedFinding] = []
    """Findings that must appear."""


class ReplaySeed(Part):
    """A replay seed, version 1. `checksum` covers everything else."""

    format: Literal["timeline.replay-seed"] = "timeline.replay-seed"
    version: Literal[1] = 1
    checksum: str = ""
    """SHA-256 of the canonical JSON of all other fields."""
    fidelity: Literal["exact", "inputs"]
    """`exact`: journal or tape present, the same interleaving. `inputs`: only inputs and faults could be recovered."""
    replayer: str
    """Entry point in `timeline.replayers` that runs it."""
    origin: Origin
    scenario: Setting
    tape: Tape
    journal: list[list[Any]] | None = Field(default=None)
    """Order of effect completions, for a recording of real processes."""
    expected: Expected
    missing_inputs: list[str] = []
    """What a replay would need and the timeline does not hold."""

    def sealed(self) -> ReplaySeed:
        """The same seed with its checksum set."""
        return self.model_copy(update={"checksum": _checksum(self)})

    def to_text(self) -> str:
        """The seed as JSON text: sealed, keys in order, one line end."""
        return json.dumps(self.sealed().model_dump(mode="json"), ensure_ascii=True, sort_keys=True, separators=(",", ":")) + "\n"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replayer gives back."""

    lines: list[bytes]
    """The event file of the replay, a line each, `recording.*` lines among them; each may end with its line end or not."""
    digest: str
    """SHA-256 of the normalised event stream, as in `Expected.digest`."""
    trail: list[str]
    """Running digest after every 64 events, as in `Expected.trail`."""


class Replayer(Protocol):
    """Runs a seed again. Found by its entry point in the group `timeline.replayers`; it reads nothing but the seed."""

    def replay(self, seed: ReplaySeed, switches: Mapping[str, bool], policy: Mapping[str, str]) -> Replayed:
        """Run the seed, with `switches` and `policy` laid over its own. Raises SeedInvalid for what it cannot run."""
        ...


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be run otherwise than the seed says."""

    switches: Mapping[str, str]
    """Name of a switch, and what it does in a sentence."""
    policy: Mapping[str, str]
    """Name of a policy value, and the value that the seed runs with."""


@runtime_checkable
class Adjustable(Protocol):
    """A replayer that can tell what can be changed. One that cannot is asked for what the seed names, and no more."""

    def choices(self, seed: ReplaySeed) -> Choices:
        """What `replay` takes as `switches` and `policy` for that seed. Raises SeedInvalid."""
        ...


def _checksum(seed: ReplaySeed) -> str:
    body = seed.model_dump(mode="json", exclude={"checksum"})
    return hashlib.sha256(json.dumps(body, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _refuse_constant(token: str) -> Any:
    raise ValueError(f"the number {token} is not JSON")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def parse_seed(text: str, place: str) -> ReplaySeed:
    """Read a seed from text. `place` is named in every complaint. Raises SeedInvalid."""
    if len(text) > SEED_BYTES_MAX:
        raise SeedInvalid(f"reading the replay seed {place}: it has {len(text)} bytes, more than the {SEED_BYTES_MAX} that a seed may have")
    try:
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates)
        seed = ReplaySeed.model_validate(document)
    except RecursionError:
        raise SeedInvalid(f"reading the replay seed {place}: it is nested too deeply to be a seed") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top"
        raise SeedInvalid(
            f"reading the replay seed {place}: at {where}: {first['msg']} (this program reads version {SEED_VERSION})"
        ) from None
    except ValueError as error:
        raise SeedInvalid(f"reading the replay seed {place}: {error}") from None
    if seed.checksum != _checksum(seed):
        raise SeedInvalid(
            f"reading the replay seed {place}: the checksum does not match; it was changed or cut after it was written; export it again"
        )
    return seed


def read_seed(path: Path) -> ReplaySeed:
    """Read a seed file. Raises SeedInvalid, whatever is wrong with the file."""
    try:
        if path.stat().st_size > SEED_BYTES_MAX:
            raise SeedInvalid(
                f"reading the replay seed {path}: it has {path.stat().st_size} bytes, more than the {SEED_BYTES_MAX} that a seed may have"
            )
        return parse_seed(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SeedInvalid(f"reading the replay seed {path}: {error}") from None
