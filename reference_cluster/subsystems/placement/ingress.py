"""Requests from outside, by their Host header: each node runs an ingress that knows every healthy instance of every job."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.events.base import Ref
from ingest.events.placement import IngressProxied, IngressRefused
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Emit, Receive, Reply, Request, Said, Sleep, StoreDown, Watch
from reference_cluster.records import Change, Row
from reference_cluster.subsystems.placement.messages import CheckContainer, Checked, Done, HttpRequest
from reference_cluster.subsystems.placement.scheduler import Scheduler, runtime_of


@dataclass
class Table:
    """DNS records as a watch has delivered them, by instance."""

    records: dict[str, Row] = field(default_factory=dict)
    turn: int = 0

    def take(self, change: Change) -> None:
        """Follow a change."""
        if change.row is None:
            self.records.pop(change.key, None)
        else:
            self.records[change.key] = change.row

    def next(self, host: str) -> Row | None:
        """The instances behind a host, one after another."""
        found = [record for _, record in sorted(self.records.items()) if record["host"] == host]
        self.turn += 1
        return found[self.turn % len(found)] if found else None


async def follow(scheduler: Scheduler, table: Table) -> None:
    """Keep the table as the records are."""
    after = 0
    while True:
        try:
            changes = await Watch("dns", after)
        except StoreDown:
            await Sleep(scheduler.config.lease_retry_us)
            continue
        for change in changes:
            after = max(after, change.revision)
            table.take(change)


async def serve(scheduler: Scheduler, table: Table) -> None:
    """Proxy request after request."""
    while True:
        request = await Receive(f"{scheduler.node}/ingress")
        if isinstance(request.message, HttpRequest):
            await _proxy(scheduler, table, request, request.message)


async def _proxy(scheduler: Scheduler, table: Table, request: Request, wanted: HttpRequest) -> None:
    record = table.next(wanted.host)
    if record is None:
        await _refuse(scheduler, request, wanted, "no_healthy_instance")
        return
    call = Call(
        f"{runtime_of(record.text('node'))}/runtime", CheckContainer(container=record.text("container")), scheduler.config.call_timeout_us
    )
    try:
        answer = await call
    except CallTimedOut:
        await _refuse(scheduler, request, wanted, "timeout", record)
        return
    except CallRefused:
        await _refuse(scheduler, request, wanted, "instance_gone", record)
        return
    assert isinstance(answer, Checked)
    await Emit((Said(IngressProxied(host=wanted.host, instance=record.key), wanted.request, refs=_refs(scheduler, record)),))
    await Reply(request, Done())


async def _refuse(scheduler: Scheduler, request: Request, wanted: HttpRequest, reason: str, record: Row | None = None) -> None:
    said = Said(IngressRefused(host=wanted.host), wanted.request, refs=_refs(scheduler, record), reason=reason)
    await Emit((said,))
    await Reply(request, refused=reason)


def _refs(scheduler: Scheduler, record: Row | None) -> tuple[Ref, ...]:
    if record is None:
        return (scheduler.ref(),)
    return (scheduler.ref(), Ref(role="instance", kind="instance", id=record.key), Ref(role="job", kind="job", id=record.text("job")))
