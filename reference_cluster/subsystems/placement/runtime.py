"""The containers of a node. The runtime outlives its scheduler: a scheduler that is cut off or dead stops nothing.

That is why others may not take over a node's slots before its runtime has stopped them: the watchdog counts from the
last refresh of the node's lease that it was told of, and stops everything before the grace of the others ends.

Story of the planted bug: the design note lets containers run on while their scheduler waits for the store, and lets the
others start the same slots at once. Two run, both answer, and both write to the shared volume.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.events.base import Decision, Ref
from ingest.events.placement import (
    ContainerCreated,
    ContainerExited,
    ContainerFact,
    ContainerLaunched,
    ContainerRemoved,
    ContainerStopped,
    RuntimeFenced,
    RuntimeListed,
    RuntimeStarted,
)
from reference_cluster.bugs import Bug, Switches
from reference_cluster.effects import Emit, Now, Receive, Reply, Request, Said, Sleep, Start
from reference_cluster.subsystems.delay import some_time
from reference_cluster.subsystems.placement.messages import (
    CheckContainer,
    Checked,
    Containers,
    ContainerSeen,
    CreateContainer,
    Done,
    Feed,
    LaunchContainer,
    ListContainers,
    Mishap,
    StopContainer,
)
from reference_cluster.subsystems.placement.scenario import Config, World

NO_SELF_FENCE = Bug(
    name="no_self_fence",
    catalogue_id="OZ-02",
    subsystem="placement",
    scenario="placement_long_partition",
    detectors=("placement/duplicate_instance",),
    story="The containers of a node that is cut off run on while others start the same slots elsewhere.",
)

SIGN_OF_LIFE_US = 9_000_000
POLL_US = 500_000


@dataclass
class Container:
    """A container that there is."""

    id: str
    instance: str
    slot: str
    state: str = "created"
    """created, running, exited, stopping."""
    exit_code: int = 0
    ready_us: int = 0
    sick_until_us: int = 0


@dataclass
class Runtime:
    """The runtime of one node."""

    node: str
    name: str
    config: Config
    world: World
    bugs: Switches
    containers: dict[str, Container] = field(default_factory=dict)
    fence_at_us: int | None = None
    """When the watchdog stops everything, by this machine's clock."""
    spoke_us: int = 0

    def seen(self) -> Containers:
        """What a list shows."""
        found = (
            ContainerSeen(container=one.id, instance=one.instance, state=one.state, exit_code=one.exit_code)
            for one in self.containers.values()
        )
        return Containers(containers=tuple(found))

    def said(self, decision: Decision, reason: str | None = None) -> Said:
        """An event about the runtime itself."""
        return Said(decision, self.name, refs=(Ref(role="node", kind="node", id=self.node),), reason=reason)


async def say(runtime: Runtime, kind: type[ContainerFact], one: Container, reason: str | None = None, **own: object) -> None:
    """An event about a container."""
    fact = kind.model_validate({"node": runtime.node, "instance": one.instance, "slot": one.slot, **own})
    refs = tuple(
        Ref(role=role, kind=role, id=name) for role, name in (("instance", one.instance), ("slot", one.slot), ("node", runtime.node))
    )
    await Emit((Said(fact, one.id, refs=refs, reason=reason),))


async def serve(runtime: Runtime) -> None:
    """Come up with nothing, then answer requests, each beside the others."""
    await Emit((runtime.said(RuntimeStarted()),))
    await Start(_watchdog(runtime), "watchdog")
    await Start(_feed(runtime), "watchdog")
    await Start(_mishaps(runtime), "mishap")
    while True:
        request = await Receive(f"{runtime.name}/runtime")
        await Start(_answer(runtime, request), "runtime")


async def _answer(runtime: Runtime, request: Request) -> None:
    match request.message:
        case ListContainers():
            await _sign(runtime)
            await Reply(request, runtime.seen())
        case CreateContainer(container=name, instance=instance, slot=slot):
            await _create(runtime, request, Container(name, instance, slot))
        case LaunchContainer(container=name):
            await _launch(runtime, request, runtime.containers.get(name))
        case StopContainer(container=name, why=why, with_storage=with_storage):
            one = runtime.containers.get(name)
            if one is not None:
                await _stop(runtime, one, why, with_storage)
            await Reply(request, Done())
        case CheckContainer(container=name):
            await _answer_check(runtime, request, name)
        case other:
            await Reply(request, refused=f"no such request: {other.name}")


async def _sign(runtime: Runtime) -> None:
    now_us = await Now()
    if now_us - runtime.spoke_us >= SIGN_OF_LIFE_US:
        runtime.spoke_us = now_us
        await Emit((runtime.said(RuntimeListed(containers=len(runtime.containers))),))


async def _fenced(runtime: Runtime) -> bool:
    if runtime.bugs.has(NO_SELF_FENCE) or runtime.fence_at_us is None:
        return False
    return await Now() >= runtime.fence_at_us


async def _create(runtime: Runtime, request: Request, one: Container) -> None:
    await some_time(runtime.world.create)
    if await _fenced(runtime):
        await Reply(request, refused="fenced")
        return
    if one.id not in runtime.containers:
        runtime.containers[one.id] = one
        await say(runtime, ContainerCreated, one)
    await Reply(request, Done())


async def _launch(runtime: Runtime, request: Request, one: Container | None) -> None:
    await some_time(runtime.world.launch)
    if one is None or one.state != "created" or await _fenced(runtime):
        await Reply(request, refused="container_gone" if one is None or one.state != "created" else "fenced")
        return
    one.state, one.ready_us = "running", await Now() + runtime.world.warm_up_us
    await say(runtime, ContainerLaunched, one)
    await Reply(request, Done())


async def _stop(runtime: Runtime, one: Container, why: str, with_storage: bool) -> None:
    """Stop it if it runs, then remove it; a second request waits for the first."""
    while one.state == "stopping":
        await Sleep(POLL_US)
        if one.id not in runtime.containers:
            return
    was, one.state = one.state, "stopping"
    if was == "running":
        await some_time(runtime.world.stop)
        await say(runtime, ContainerStopped, one, why)
    runtime.containers.pop(one.id, None)
    await say(runtime, ContainerRemoved, one, why, storage_removed=with_storage)


async def _answer_check(runtime: Runtime, request: Request, name: str) -> None:
    await some_time(runtime.world.answer)
    one = runtime.containers.get(name)
    if one is None or one.state != "running":
        await Reply(request, refused="container_gone")
        return
    now_us = await Now()
    well = one.ready_us <= now_us and one.sick_until_us <= now_us
    await Reply(request, Checked(status=200 if well else 503))


async def _feed(runtime: Runtime) -> None:
    """The scheduler says that its lease was refreshed."""
    while True:
        request = await Receive(f"{runtime.name}/watchdog")
        if isinstance(request.message, Feed):
            runtime.fence_at_us = await Now() - request.message.age_us + runtime.config.fence_us
        await Reply(request, Done())


async def _watchdog(runtime: Runtime) -> None:
    """Stop everything when the last refresh is too old."""
    while True:
        now_us = await Now()
        if runtime.fence_at_us is None or now_us < runtime.fence_at_us:
            await Sleep(POLL_US if runtime.fence_at_us is None else max(POLL_US, runtime.fence_at_us - now_us))
            continue
        running = [one for one in runtime.containers.values() if one.state in ("created", "running")]
        if running and not runtime.bugs.has(NO_SELF_FENCE):
            age_us = now_us - runtime.fence_at_us + runtime.config.fence_us
            await Emit((runtime.said(RuntimeFenced(strays=len(running), since_refresh_us=age_us)),))
            for one in running:
                await Start(_stop(runtime, one, "fenced", with_storage=False), "watchdog")
        await Sleep(POLL_US)


async def _mishaps(runtime: Runtime) -> None:
    """What happens to containers by itself."""
    while True:
        message = (await Receive(f"{runtime.name}/mishap")).message
        if not isinstance(message, Mishap) or (one := runtime.containers.get(message.container)) is None:
            continue
        if message.what == "sickens":
            one.sick_until_us = await Now() + message.lasts_us
        elif one.state == "running":
            one.state, one.exit_code = "exited", message.exit_code
            await say(runtime, ContainerExited, one, exit_code=message.exit_code)
