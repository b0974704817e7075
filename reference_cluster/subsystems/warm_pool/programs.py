"""The programs of a control-plane process, each under the component that its events carry."""

from __future__ import annotations

from collections.abc import Callable

from reference_cluster.effects import Program, Start
from reference_cluster.subsystems import control_plane, election
from reference_cluster.subsystems.control_plane import ControlPlane
from reference_cluster.subsystems.warm_pool import fallback, janitor, sessions, upkeep

PROGRAMS: tuple[tuple[str, Callable[[ControlPlane], Program]], ...] = (
    ("control_plane", control_plane.heartbeat),
    ("control_plane", control_plane.follow_tenants),
    ("control_plane", sessions.await_stop),
    ("elector", election.run_elector),
    ("janitor", janitor.run_janitor),
    ("reaper", fallback.run_fallback),
    ("pool", sessions.receive_sessions),
    ("pool", upkeep.run_upkeep),
    ("pool", upkeep.run_probes),
)

WATCHERS: tuple[Callable[[ControlPlane], Program], ...] = (election.watch_elector, janitor.watch_ticks)
"""Say nothing and decide nothing: they note in the truth file what a planted bug has done."""


async def run_control_plane(cp: ControlPlane) -> None:
    """Register the process, then run all its programs."""
    await control_plane.register(cp)
    for component, program in PROGRAMS:
        await Start(program(cp), component)
    if cp.bugs.on:
        for watcher in WATCHERS:
            await Start(watcher(cp), "truth")
