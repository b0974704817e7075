"""Stories about placement: lines of the notation in which what follows from names and from earlier lines need not be said.

`web-0.2-1` is the first container of the second instance of the slot `web-0` of the job `web`; `podman-1` is the runtime of
`node-1`. Timings are those of the reference cluster: lease 15 s, refresh 5 s, grace 15 s, pass 3 s, stop 2 s.
"""

from __future__ import annotations

from ingest.duration import duration, microseconds
from tests.detectors.telling import in_order
from tests.detectors.together import Told, told

TIMINGS = "lease_ttl=15s lease_refresh=5s replace_grace=15s fence=27s tick=3s stop=2s victim_policy=unhealthy_first"
STATES = {
    "instance.allocated": "allocated",
    "instance.starting": "starting",
    "instance.started": "unhealthy",
    "instance.turned_healthy": "healthy",
    "instance.turned_unhealthy": "unhealthy",
    "instance.stopped": "stopped",
    "instance.dropped": "terminating",
    "instance.ended": "gone",
    "instance.lost": "lost",
}
TRIED = 'trigger=node_expired trigger_id="node-1@1" attempt=1 base=2 placed=1 unplaced=0'
USUAL = {
    "placement.configured": TIMINGS,
    "node.lease_granted": "term=1 ttl=15s memory_mb=8192 disk_mb=40960 reason=fresh",
    "node.lease_refreshed": "term=1 ttl=15s",
    "node.lease_extended": "term=1 ttl=15s",
    "node.lease_expired": "term=1 keys=1",
    "lessor.swept": "leases=2 expired=0",
    "etcd.leader_elected": "term=2",
    "schedule.passed": "version=2 unplaced=0 expired=0 free_memory_mb=4096 free_disk_mb=40960",
    "schedule.attempted": TRIED,
    "schedule.committed": f"{TRIED} version=3",
    "schedule.conflicted": f'{TRIED} fence=schedule.version want="2" got="3"',
    "slot.unplaced": "memory_mb=1024 disk_mb=0",
    "instance.allocated": "memory_mb=1024 disk_mb=0",
    "instance.dropped": "reason=scaled_down",
    "container.stopped": "reason=dropped",
    "container.removed": "reason=dropped storage_removed=true",
}


def log(*texts: str) -> Told:
    """The story of all these lines, in order of their times."""
    nodes: dict[str, str] = {}
    return told("\n".join(_complete(line, nodes) for line in in_order(*texts)))


def _complete(line: str, nodes: dict[str, str]) -> str:
    """The line with what it leaves out. `nodes` remembers where an instance is; node-1 where nobody said."""
    _, actor, subject, kind, *told = line.split()
    family, name = kind.split(".")[0], subject.partition("/")[2]
    fields = dict(word.partition("=")[::2] for word in USUAL.get(kind, "").split())
    fields |= _names(family, name, actor)
    fields |= {"to_state": STATES[kind]} if kind in STATES else {}
    said = dict(word.partition("=")[::2] for word in told if "=" in word)
    if kind in STATES:
        nodes.setdefault(name, said.get("node", "node-1"))
        fields["node"] = nodes[name]
    elif family == "instance":  # what is no move says neither
        del fields["slot"]
    missing = " ".join(f"{field}={value}" for field, value in fields.items() if field not in said)
    return f"{line} {missing}"


def _names(family: str, name: str, actor: str) -> dict[str, str]:
    """What an object's name says about the others."""
    node = f"node-{actor.partition('/')[0].removeprefix('podman-')}"
    if family == "container":
        instance = name.rpartition("-")[0]
        return {"instance": instance, "slot": instance.rpartition(".")[0], "node": node}
    slot, job = name.rpartition(".")[0], name.rpartition("-")[0]
    if family == "instance":
        return {"slot": slot, "workload": job}
    return {"job": job} if family == "dns" else {}


def every(step: str, since: str, until: str, line: str) -> str:
    """The same line at every step."""
    first, last, step_us = (microseconds(moment) or 0 for moment in (since, until, step))
    return "\n".join(f"{duration(at)} {line}" for at in range(first, last + 1, step_us))


def node(name: str, until: str, since: str = "0s", own: str = "", declares: bool = True) -> str:
    """A node that declares what it runs with, takes a lease and refreshes it every 5 s; its scheduler passes every 3 s until then."""
    lease = f"{name}/lease node/{name}"
    declared = [f"{since} {lease} placement.configured"] if declares else []
    refreshed = every("5s", since, until, f"{lease} node.lease_refreshed {own}")
    passed = every("3s", since, until, f"{name}/planner node/{name} schedule.passed")
    return "\n".join([*declared, f"{since} {lease} node.lease_granted {own}", refreshed, passed])


def store(until: str) -> str:
    """The store looks for leases that ran out every 10 s."""
    return every("10s", "1s", until, "etcd/lessor etcd/etcd lessor.swept")


def runtime(number: int, until: str) -> str:
    """A runtime that gives a sign of life every 9 s."""
    return every("9s", "1s", until, f"podman-{number}/runtime runtime/podman-{number} runtime.listed containers=1")


def expired(name: str, at: str, own: str = "") -> str:
    """The store ends a node's lease."""
    return f"{at} etcd/lessor node/{name} node.lease_expired {own}"


def ran(container: str, number: int, since: str) -> str:
    """A container is made and launched."""
    actor = f"podman-{number}/runtime"
    return f"{since} {actor} container/{container} container.created\n{since} {actor} container/{container} container.launched"
