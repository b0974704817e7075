"""Carries out a fault plan: what goes wrong, to whom, when.

While a meddling lasts it stands in front of the handlers of the effect classes that it is about; when none does, no
effect is looked at and none costs more. A fault strikes only while it lasts. Every strike goes to the truth, and so
does a fault that struck nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from ingest.errors import UsageError
from reference_cluster.effects import Effect, Watch
from reference_cluster.sim.fault_table import ACTS, MEDDLINGS, Answer, Fault, Means, label_of, took_place
from reference_cluster.sim.kernel import LATE, Handler, Task

__all__ = ["Fault", "Faults", "names"]


class Planned:
    """A fault of the plan and what became of it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.strikes = 0
        self.over = False
        self.meddling = MEDDLINGS.get(fault.name)
        self._label = str(fault.params.get("label", self.meddling.label if self.meddling else "*"))
        self._pattern = ""
        self._pass_over = int(fault.params.get("nth", 1)) - 1

    def aim(self, pattern: str) -> None:
        """Whom it is to strike."""
        self._pattern = pattern if "/" in pattern else f"{pattern}/*"

    def wants(self, task: Task, effect: Effect[Any]) -> bool:
        """Whether it is about this effect of this task. The first ones are passed over where `nth` says so."""
        if not (fnmatchcase(task.actor, self._pattern) and fnmatchcase(label_of(effect), self._label)):
            return False
        self._pass_over -= 1
        return self._pass_over < 0


class Faults:
    """The faults of one run."""

    def __init__(self, means: Means, plan: Sequence[Fault]) -> None:
        """Raises UsageError on a fault that nobody knows."""
        self._means = means
        self._planned = [Planned(fault) for fault in plan]
        self._in_force: dict[type, list[Planned]] = {}
        self._behind: dict[type, Handler] = {}
        for planned in self._planned:
            _demand_whole(planned.fault)
            means.kernel.after(planned.fault.at_us, partial(self._begin, planned))

    def end(self) -> None:
        """The run is over: say which faults struck nobody."""
        for planned in self._planned:
            if not planned.strikes:
                fault = planned.fault
                self._means.kernel.note(fault.name, fault.target, kind="fault", took_effect=False, at_us=fault.at_us)

    def _begin(self, planned: Planned) -> None:
        pattern = self._means.world.resolve(planned.fault.target)
        if pattern is None:
            return
        if planned.meddling is None:
            for target in ACTS[planned.fault.name].does(self._means, planned.fault, pattern):
                self._strike(planned, target)
            return
        planned.aim(pattern)
        for effect in planned.meddling.effects:
            self._stand_before(effect, planned)
        if planned.fault.for_us is not None:
            self._means.kernel.after(planned.fault.for_us, partial(self._end, planned), LATE)

    def _stand_before(self, effect: type[Effect[Any]], planned: Planned) -> None:
        handlers = self._means.kernel.handlers
        in_force = self._in_force.setdefault(effect, [])
        in_force.append(planned)
        if len(in_force) == 1:
            self._behind[effect] = handlers[effect]
            handlers[effect] = partial(self._intercept, effect)
        if effect is Watch:
            self._catch_watching(planned)

    def _catch_watching(self, planned: Planned) -> None:
        """A watch may have been asked for long ago: a fault about watches strikes those that wait already."""
        for process in self._means.kernel.processes.values():
            for task in process.tasks.values():
                if isinstance(task.effect, Watch) and planned.wants(task, task.effect):
                    task.meddle = (task.n, partial(self._meddle, planned, task))

    def _end(self, planned: Planned) -> None:
        if planned.over or planned.meddling is None:
            return
        planned.over = True
        for effect in planned.meddling.effects:
            self._in_force[effect].remove(planned)
            if not self._in_force[effect]:
                self._means.kernel.handlers[effect] = self._behind.pop(effect)

    def _intercept(self, effect_class: type, task: Task, effect: Effect[Any]) -> Answer:
        """Stands in front of a handler. Of the faults in force, the first that wants the effect has it."""
        behind = self._behind[effect_class]
        for planned in self._in_force[effect_class]:
            if planned.meddling is not None and planned.wants(task, effect):
                if planned.meddling.instead is not None:
                    self._strike(planned, f"{task.process.incarnation}/{task.component}")
                    return planned.meddling.instead(self._means, planned.fault, task, effect)
                task.meddle = (task.n, partial(self._meddle, planned, task))
                break
        return behind(task, effect)

    def _meddle(self, planned: Planned, task: Task, answer: Answer) -> Answer:
        """The effect has taken place and its answer is about to leave: strike it, if there is something to strike."""
        if planned.over or not took_place(answer) or planned.meddling is None or planned.meddling.after is None:
            return answer
        self._strike(planned, f"{task.process.incarnation}/{task.component}")
        return planned.meddling.after(self._means, planned.fault, task, answer)

    def _strike(self, planned: Planned, target: str) -> None:
        planned.strikes += 1
        self._means.kernel.note(planned.fault.name, target, kind="fault")
        if planned.strikes == planned.fault.times:
            self._end(planned)


def _demand_whole(fault: Fault) -> None:
    row = ACTS.get(fault.name) or MEDDLINGS.get(fault.name)
    if row is None:
        raise UsageError(f"planning the fault {fault.name!r}: there is none of that name; there are {', '.join(names())}")
    said = {**fault.params, **fault.model_dump(include={"for_us", "times"}, exclude_none=True)}
    missing = [need for need in row.needs if need not in said]
    if missing:
        raise UsageError(f"planning the fault {fault.name!r}: it must say {', '.join(missing)}; it says {', '.join(said) or 'nothing'}")


def names() -> list[str]:
    """Every fault there is."""
    return sorted([*ACTS, *MEDDLINGS])
