"""The nodes: those that there are, those that are asked for, and the replicas that start on them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ingest.events.quota import CapacityDeclared, CapacityHealthChanged, CapacityReady, NodeState, ReplicaStarted
from reference_cluster.effects import Commit, Committed, Conflict, Program, Read, Receive, Said, Sleep, Start, StoreDown
from reference_cluster.records import STORE_NOW, Put, Row
from reference_cluster.subsystems.delay import some_time
from reference_cluster.subsystems.quota.messages import SetHealth
from reference_cluster.subsystems.quota.process import Controller
from reference_cluster.subsystems.quota.rows import NODE, move_facts, node_facts, said_of
from reference_cluster.subsystems.quota.scenario import Node, World

LOOK_US = 200_000
"""How often the fleet looks whether there is something to start."""


def run_nodes(nodes: Mapping[str, Node], world: World, me: Controller) -> Program:
    """Declare the nodes that there are, boot those that are asked for, and change their health when told."""
    return _run_nodes(nodes, world, me)


async def _run_nodes(nodes: Mapping[str, Node], world: World, me: Controller) -> None:
    for key, node in sorted(nodes.items()):
        fields = {**node.model_dump(), "used": 0, "healthy": True, "state": "ready", "for_replica": None, "requested_us": STORE_NOW}
        declared = _said(CapacityDeclared, Row("node", key, 0, 0, 0, fields))
        await _insist(Commit((Put("node", key, fields, None),), (declared,), "node.declare"))
    await Start(_boot_all(world, me), "nodes")
    while True:
        request = await Receive("nodes")
        assert isinstance(request.message, SetHealth), request.message
        while not await _set_health(request.message.node, request.message.healthy):
            await Sleep(LOOK_US)


async def _set_health(key: str, healthy: bool) -> bool:
    try:
        node = await Read("node", key)
    except StoreDown:
        return False
    if node is None or node["healthy"] == healthy:
        return True
    said = _said(CapacityHealthChanged, node, healthy=healthy)
    put = Put("node", key, {"healthy": healthy}, {"healthy": not healthy})
    return isinstance(await Commit((put,), (said,), "node.health"), Committed)


async def _boot_all(world: World, me: Controller) -> None:
    async def boot(node: Row) -> None:
        await some_time(world.node_boot)
        state = NODE.target(node.key, "requested", "boot")
        put = Put("node", node.key, {"state": state}, {"state": "requested"})
        await _insist(Commit((put,), (_said(CapacityReady, node),), "node.boot"))

    await _begin_each(me, "node", {"state": "requested"}, boot, "nodes")


def run_replicas(world: World, me: Controller) -> Program:
    """Start each replica that is bound."""

    async def start(replica: Row) -> None:
        await some_time(world.replica_start)
        move = move_facts(replica, "start")
        said = said_of(replica, ReplicaStarted(**move), node=replica.text("node"))
        expect = {"phase": "bound", "node": replica["node"]}
        await _insist(Commit((Put("replica", replica.key, {"phase": move["to_phase"]}, expect),), (said,), "replica.start"))

    return _begin_each(me, "replica", {"phase": "bound"}, start, "replicas")


async def _begin_each(
    me: Controller, table: str, where: Mapping[str, object], begin: Callable[[Row], Coroutine[Any, Any, None]], component: str
) -> None:
    """Begin something once for each version of a row that the cache shows to be so."""
    begun: set[tuple[str, int]] = set()
    while True:
        await Sleep(LOOK_US)
        for row in me.caches[table].list(**where):
            if (row.key, row.version) not in begun:
                begun.add((row.key, row.version))
                await Start(begin(row), component)


async def _insist(commit: Commit) -> None:
    """Write until the store says that it is done, or that it cannot be."""
    while not isinstance(await commit, Committed | Conflict):
        await Sleep(LOOK_US)


def _said(kind: type[NodeState], node: Row, **other: object) -> Said:
    return Said(kind.model_validate(node_facts(node) | other), node.key)
