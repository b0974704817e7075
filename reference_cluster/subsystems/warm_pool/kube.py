"""The cluster that runs pods, and the workers inside them: it makes, starts, activates, probes and ends them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.events.base import Decision
from ingest.events.warm_pool import WorkerPodCreated, WorkerPodGone
from reference_cluster.effects import Emit, Now, Receive, Reply, Request, Said, Sleep, Start
from reference_cluster.subsystems.delay import some_time
from reference_cluster.subsystems.warm_pool.messages import Activate, AwaitPod, CreatePod, DeletePod, Done, ListPods, Pods, PodSeen, Probe
from reference_cluster.subsystems.warm_pool.scenario import World

ADDRESS = "kube/pods"
POLL_US = 250_000


@dataclass
class Kube:
    """The pods that there are: worker to time of creation, those that are ready, those that are ending."""

    world: World
    pods: dict[str, int] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)
    ending: set[str] = field(default_factory=set)


async def _say(decision: Decision, worker: str) -> None:
    await Emit((Said(decision, worker),))


async def serve(kube: Kube) -> None:
    """Answer requests, each beside the others."""
    while True:
        request = await Receive(ADDRESS)
        await Start(_answer(kube, request), "pods")


async def _answer(kube: Kube, request: Request) -> None:
    match request.message:
        case CreatePod(worker=worker):
            if worker not in kube.pods:
                kube.pods[worker] = await Now()
                await _say(WorkerPodCreated(), worker)
                await Start(_start(kube, worker), "pods")
            await Reply(request, Done())
        case AwaitPod(worker=worker):
            while worker in kube.pods and worker not in kube.ready:
                await Sleep(POLL_US)
            await _done_if(request, worker in kube.ready, "pod_gone")
        case DeletePod(worker=worker):
            if worker in kube.pods and worker not in kube.ending:
                kube.ending.add(worker)
                await Start(_end(kube, worker), "pods")
            await Reply(request, Done())
        case ListPods():
            await Reply(request, _listed(kube, await Now()))
        case Activate(worker=worker):
            await some_time(kube.world.activation)
            await _done_if(request, worker in kube.ready, "pod_gone")
        case Probe(worker=worker):
            await _done_if(request, worker in kube.ready, "pod_gone")
        case other:
            await Reply(request, refused=f"no such request: {other.name}")


def _listed(kube: Kube, now_us: int) -> Pods:
    seen = (PodSeen(worker=worker, age_us=now_us - made_us, ending=worker in kube.ending) for worker, made_us in kube.pods.items())
    return Pods(pods=tuple(seen))


async def _done_if(request: Request, done: bool, otherwise: str) -> None:
    if done:
        await Reply(request, Done())
    else:
        await Reply(request, refused=otherwise)


async def _start(kube: Kube, worker: str) -> None:
    await some_time(kube.world.pod_ready)
    if worker in kube.pods:
        kube.ready.add(worker)


async def _end(kube: Kube, worker: str) -> None:
    kube.ready.discard(worker)
    await some_time(kube.world.pod_gone)
    del kube.pods[worker]
    kube.ending.discard(worker)
    await _say(WorkerPodGone(), worker)
