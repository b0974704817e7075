"""A scenario is data: who runs, with which configuration, what users do, which faults happen.

Scenarios are TOML files in `scenarios/`; the path is the name. Durations are written `250ms`, `20s`, `1m30s`; a range
`5s..40s` is drawn from by the seed. What there is to say depends on the system that the scenario is about: each family of
subsystems declares its own subclass of `Scenario`, and a file names it (`system = "gang"`).
"""

from __future__ import annotations

import functools
import random
import tomllib
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from ingest.duration import positive_us
from ingest.errors import UsageError
from reference_cluster.bugs import Switches, modules_of

if TYPE_CHECKING:
    from reference_cluster.system import Host, System

Chance = random.Random
FOLDER = Path(__file__).parent / "scenarios"


def duration_us(value: object) -> object:
    """`1m30s` as microseconds; a number is microseconds already."""
    return positive_us(value) if isinstance(value, str) else value


def _range_us(value: object) -> object:
    if isinstance(value, str):
        low, dots, high = value.partition("..")
        return (duration_us(low), duration_us(high if dots else low))
    return tuple(value) if isinstance(value, list) else value


Duration = Annotated[int, BeforeValidator(duration_us)]
Span = Annotated[tuple[int, int], BeforeValidator(_range_us)]


class Part(BaseModel):
    """Base of the parts of a scenario: closed and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FaultPlan(Part):
    """A fault with the range that its time is drawn from."""

    name: str
    target: str = "*"
    at: Span
    lasts: Span = (0, 0)
    times: int | None = None
    params: dict[str, Any] = {}


class Scenario(Part):
    """What every scenario says. The system it is about gives a subclass beside its programs, named by `system` in the file."""

    system: ClassVar[str] = ""
    control_planes: ClassVar[str] = "cp-*"
    """Glob of the instances that a fault strikes where it names no target."""

    name: str
    title: str
    shows: str
    """What there is to see."""
    seed_document: str
    """The document of the project's seeds that it comes from."""
    length: Duration
    config: Part
    """What the processes run with: the fields that a policy may set."""
    faults: list[FaultPlan] = []

    def __init_subclass__(cls, *, system: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.system = system

    @abstractmethod
    def build(self, host: Host, switches: Switches) -> System:
        """The system of this scenario on a host, not yet booted."""

    def document(self) -> dict[str, Any]:
        """The whole scenario as plain JSON; `parse` reads it back."""
        return {"system": self.system, **self.model_dump(mode="json", exclude_defaults=True)}

    def with_policy(self, policy: Mapping[str, Any]) -> Self:
        """The same scenario with other values in its configuration. Raises UsageError."""
        kind = type(self.config)
        try:
            config = kind.model_validate({**self.config.model_dump(), **policy})
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(
                f"setting the policy {'.'.join(map(str, first['loc']))}: {first['msg']}; names are {', '.join(kind.model_fields)}"
            ) from None
        return self.model_copy(update={"config": config})


@functools.cache
def systems() -> dict[str, type[Scenario]]:
    """The scenario class of every system there is, by name: the subclasses that the subsystems declare."""
    from reference_cluster import subsystems

    found = (value for module in modules_of(subsystems) for value in vars(module).values())
    kinds = {kind.system: kind for kind in found if isinstance(kind, type) and issubclass(kind, Scenario) and kind.system}
    return dict(sorted(kinds.items()))


def parse(document: Mapping[str, Any]) -> Scenario:
    """A scenario from plain data; without `system` it is about the warm pool. Raises ValidationError, UsageError."""
    named = str(document.get("system", "warm_pool"))
    kind = systems().get(named)
    if kind is None:
        raise UsageError(f"reading a scenario of the system {named!r}: there is none of that name; there are {', '.join(systems())}")
    return kind.model_validate({name: value for name, value in document.items() if name != "system"})


def draw(chance: Chance, span: tuple[int, int]) -> int:
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
        return parse({"name": path.stem, **document})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"reading the scenario {path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"reading the scenario {path}: at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
