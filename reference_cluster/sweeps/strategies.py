"""Strategies: what an explored run is put through. Each draws a fault plan and nothing else.

So an interleaving that somebody searched for travels in the recording, and replays and shrinks like any other. Every
strategy begins with faults from the menu of the family, at any time of the safety phase and over by its end: the faults
that the family's scenarios plan. What it adds is about the order in which processes get ahead.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from reference_cluster.scenario import Chance, FaultPlan, Scenario, draw, load, names
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.fault_table import ACTS, Fault
from reference_cluster.sim.kernel import Kernel
from reference_cluster.sim.run import simulate

FAULTS_MAX = 6
"""Faults from the menu in one run, at most."""
CHANGES = 2
"""Change points of a `pct` run: one less than the depth of the defects that it looks for."""
STEP_US = (1_000, 200_000)
"""How much slower each rank of a `pct` run is than the one before it, drawn once a run."""
DELAYS_MAX = 3
"""Answers that a `bounded` run holds up, at most."""
DELAY_US = (10_000, 10_000_000)
"""How long one answer is held up."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What there is to strike."""

    menu: tuple[FaultPlan, ...]
    actors: tuple[str, ...]
    """Who speaks in a run without faults, such as `cp-1/janitor`, in order."""
    safety_us: int
    """How long faults may strike: the length of the scenario."""

    @property
    def instances(self) -> tuple[str, ...]:
        """The processes, in order."""
        return tuple(sorted({actor.partition("/")[0] for actor in self.actors}))


def _nothing_more(_ground: Ground, _chance: Chance) -> list[Fault]:
    """Faults and the seed's own latencies, as they are drawn."""
    return []


def _priorities(ground: Ground, chance: Chance) -> list[Fault]:
    """Processes in a random order, each slower than the one before it; at change points one of them falls behind all.

    After probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with
    probabilistic guarantees of finding bugs", 2010). There a process of lower priority runs only when all others wait;
    here it is slower, so that time-outs keep their meaning. The paper's guarantee is therefore not claimed.
    """
    order = _shuffled(ground.instances, chance)
    step_us = _widely(chance, STEP_US)
    slower_us = {instance: rank * step_us for rank, instance in enumerate(order)}
    since_us = dict.fromkeys(order, 0)
    plan = []
    changes = sorted(draw(chance, (1, ground.safety_us - 1)) for _ in range(CHANGES))
    for number, at_us in enumerate(changes):
        behind = order[draw(chance, (0, len(order) - 1))]
        plan.append(_slow(behind, since_us[behind], at_us, slower_us[behind]))
        since_us[behind], slower_us[behind] = at_us, (len(order) + number) * step_us
    plan += [_slow(instance, since_us[instance], ground.safety_us, slower_us[instance]) for instance in order]
    return [fault for fault in plan if fault.for_us and fault.params["by_us"]]


def _delays(ground: Ground, chance: Chance) -> list[Fault]:
    """A few single answers are held up, each the next one of some actor after some moment; nothing else is changed.

    After delay-bounded scheduling (Emmi, Qadeer, Rakamaric, 2011), which tries every choice of few delays; this draws some.
    """
    return [
        Fault(
            name="held_up",
            target=ground.actors[draw(chance, (0, len(ground.actors) - 1))],
            at_us=(at_us := draw(chance, (0, ground.safety_us - 1))),
            for_us=ground.safety_us - at_us,
            times=1,
            params={"by_us": _widely(chance, DELAY_US)},
        )
        for _ in range(draw(chance, (1, DELAYS_MAX)))
    ]


STRATEGIES: dict[str, Callable[[Ground, Chance], list[Fault]]] = {"random": _nothing_more, "pct": _priorities, "bounded": _delays}


def plan_of(strategy: str, ground: Ground, seed: int) -> list[Fault]:
    """The fault plan of an explored run."""
    chance = Kernel(seed).stream(f"explore/{strategy}")
    faults = [_from_menu(ground, chance) for _ in range(draw(chance, (0, FAULTS_MAX)) if ground.menu else 0)]
    return [*faults, *STRATEGIES[strategy](ground, chance)]


@cache
def ground_of(name: str) -> Ground:
    """What there is to strike in a scenario. Makes one run of it. Raises UsageError."""
    scenario = load(name)
    lines = simulate(Staged(scenario), 1, faults=[]).lines
    actors = {json.loads(line)["actor"] for line in lines if b'"kind":"recording.' not in line}
    return Ground(_menu(scenario), tuple(sorted(actors)), scenario.length)


def _menu(scenario: Scenario) -> tuple[FaultPlan, ...]:
    """Every fault that a scenario of the same system plans, once. An edit of the store is about the rows of its own scenario."""
    family = [scenario, *(other for other in map(load, names()) if other.system == scenario.system and other.name != scenario.name)]
    plans = [plan for other in family for plan in other.faults if plan.name != "set" or other is scenario]
    return tuple({plan.model_copy(update={"at": (0, 0)}).model_dump_json(): plan for plan in plans}.values())


def _from_menu(ground: Ground, chance: Chance) -> Fault:
    """One fault of the menu at any time of the safety phase. It ends with it."""
    plan = ground.menu[draw(chance, (0, len(ground.menu) - 1))]
    at_us = draw(chance, (0, ground.safety_us - 1))
    left_us = ground.safety_us - at_us
    for_us = draw(chance, plan.lasts) or None
    if for_us is not None or plan.name not in ACTS:
        for_us = min(for_us or left_us, left_us)
    return Fault(name=plan.name, target=plan.target, at_us=at_us, for_us=for_us, times=plan.times, params=plan.params)


def _slow(instance: str, from_us: int, to_us: int, by_us: int) -> Fault:
    return Fault(name="slow", target=instance, at_us=from_us, for_us=to_us - from_us, params={"by_us": by_us})


def _shuffled(items: tuple[str, ...], chance: Chance) -> list[str]:
    """In a random order, by `random()` alone."""
    return sorted(items, key=lambda _: chance.random())


def _widely(chance: Chance, span: tuple[int, int]) -> int:
    """A number of the span, each doubling as likely as another."""
    low, high = span
    return high >> draw(chance, (0, (high // low).bit_length() - 1))
