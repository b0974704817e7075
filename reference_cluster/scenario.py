"""A scenario is data: who runs, with which configuration, what users do, which faults happen.

Scenarios are TOML files in `scenarios/`; the path is the name. Durations are written `250ms`, `20s`, `1m30s`; a range
`5s..40s` is drawn from by the seed. Everything that is not said has the default of duckgres (seed document 004).
"""

from __future__ import annotations

import random
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from ingest.errors import UsageError
from ingest.events.control_loop import SweepTimings, Timings

FOLDER = Path(__file__).parent / "scenarios"
_UNITS_US = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}
_PART = re.compile(r"(\d+)(us|ms|s|m|h)")


def duration_us(text: object) -> object:
    """`1m30s` as microseconds; a number is microseconds already."""
    if not isinstance(text, str):
        return text
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration; write 250ms, 20s, 1m30s")
    return sum(int(number) * _UNITS_US[unit] for number, unit in parts)


def _range_us(value: object) -> object:
    if isinstance(value, str):
        low, dots, high = value.partition("..")
        return (duration_us(low), duration_us(high if dots else low))
    return tuple(value) if isinstance(value, list) else value


Duration = Annotated[int, BeforeValidator(duration_us)]
Span = Annotated[tuple[int, int], BeforeValidator(_range_us)]


class Part(BaseModel):
    """Base of the parts of a scenario: closed and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Config(Part):
    """What a control plane runs with. Names and meanings are those of `ingest.events.control_loop.Timings`."""

    lease_duration_us: Duration = 20_000_000
    lease_renew_deadline_us: Duration = 15_000_000
    lease_retry_us: Duration = 5_000_000
    lease_backoff_us: Duration = 2_000_000
    tick_us: Duration = 5_000_000
    fallback_tick_us: Duration = 60_000_000
    pool_tick_us: Duration = 5_000_000
    heartbeat_us: Duration = 5_000_000
    control_plane_expiry_us: Duration = 20_000_000
    orphan_grace_us: Duration = 30_000_000
    hot_idle_ttl_us: Duration = 60_000_000
    spawn_budget_us: Duration = 480_000_000
    spawn_stuck_us: Duration = 600_000_000
    activation_stuck_us: Duration = 300_000_000
    activation_heartbeat_us: Duration = 60_000_000
    persist_timeout_us: Duration = 5_000_000
    call_timeout_us: Duration = 3_000_000
    drain_bound_us: Duration = 900_000_000
    pod_grace_us: Duration = 10_000_000
    reconcile_us: Duration = 120_000_000
    health_tick_us: Duration = 10_000_000
    """Interval of the health probes (2 s upstream; slower here, since most scenarios are not about it)."""
    refresh_us: Duration = 0
    """Interval at which credentials are renewed; 0 for never."""
    acquire_timeout_us: Duration = 60_000_000
    """How long a session may wait at the gate."""
    acquire_retry_us: Duration = 2_000_000
    """Wait between two tries for capacity."""
    headroom_tick_us: Duration = 30_000_000
    """Interval at which the leader computes the headroom; 0 where headroom is off."""
    image: str = "v1"
    """Version of the workers' image."""
    worker_vcpu: int = 8
    """Size of a worker."""

    def timings(self) -> dict[str, int]:
        """The timings that are declared in the log."""
        return {name: getattr(self, name) for name in Timings.model_fields}

    def sweep_timings(self) -> dict[str, int]:
        """The thresholds that every sweep echoes."""
        return {name: getattr(self, name) for name in SweepTimings.model_fields}


class Tenant(Part):
    """An organisation with its limits."""

    cap: int = 10
    """Workers that it may have at once."""
    floor: int = 0
    """Parked workers that are kept past their TTL."""
    hot_idle_cap: int | None = None
    """Parked workers at most; none where null."""


class Arrivals(Part):
    """Sessions that a tenant opens."""

    org: str
    at: Span
    """When the first one comes."""
    count: int = 1
    every: Span = (0, 0)
    """Time between two of them."""
    hold: Span
    """How long a session is kept open."""
    patience: Duration = 120_000_000
    """How long the client waits for its worker."""
    on: str | None = None
    """The replica that is asked; any where null."""


class Session(Part):
    """One session that a client will open: an external input."""

    id: str
    org: str
    at_us: int
    hold_us: int
    patience_us: int
    on: str


class World(Part):
    """How long the world outside takes."""

    pod_ready: Span = (2_000_000, 8_000_000)
    pod_gone: Span = (500_000, 3_000_000)
    activation: Span = (300_000, 1_500_000)


class FaultPlan(Part):
    """A fault with the range that its time is drawn from."""

    name: str
    target: str = "*"
    at: Span
    lasts: Span = (0, 0)
    times: int | None = None
    params: dict[str, Any] = {}


class Scenario(Part):
    """A whole scenario. `document` of a recording holds exactly this."""

    name: str
    title: str
    shows: str
    """What there is to see."""
    seed_document: str
    """The document of the project's seeds that it comes from."""
    length: Duration
    replicas: int = 3
    config: Config = Config()
    tenants: dict[str, Tenant]
    arrivals: list[Arrivals] = []
    world: World = World()
    faults: list[FaultPlan] = []

    def instances(self) -> list[str]:
        """Names of the control-plane replicas."""
        return [f"cp-{number + 1}" for number in range(self.replicas)]

    def sessions(self, chance: random.Random) -> list[Session]:
        """The sessions of this run, in order of time, drawn from `chance`."""
        made: list[tuple[int, Arrivals, int, str]] = []
        for arrivals in self.arrivals:
            at_us = draw(chance, arrivals.at)
            for _ in range(arrivals.count):
                made.append(
                    (at_us, arrivals, draw(chance, arrivals.hold), arrivals.on or self.instances()[draw(chance, (0, self.replicas - 1))])
                )
                at_us += draw(chance, arrivals.every)
        made.sort(key=lambda item: item[0])
        return [
            Session(id=f"s-{number + 1}", org=arrivals.org, at_us=at_us, hold_us=hold_us, patience_us=arrivals.patience, on=on)
            for number, (at_us, arrivals, hold_us, on) in enumerate(made)
        ]


def draw(chance: random.Random, span: tuple[int, int]) -> int:
    """A whole number of the span, ends included. By `random()` alone, which is the same in every Python."""
    low, high = span
    return low + int(chance.random() * (high - low + 1))


def names() -> list[str]:
    """Every scenario there is, in order of name."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Scenario:
    """The scenario of that name, or of that .toml file. Raises UsageError."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise UsageError(
            f"reading the scenario {name!r}: there is none of that name; there are {', '.join(names())}, or give the path of a .toml file"
        )
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return Scenario.model_validate({"name": path.stem, **document})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"reading the scenario {path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"reading the scenario {path}: at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
