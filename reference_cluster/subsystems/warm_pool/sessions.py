"""The front door: clients open, close and cancel sessions here; a draining process waits for the last one."""

from __future__ import annotations

from ingest.events.base import Decision, Ref
from ingest.events.warm_pool import AcquireAbandoned, SessionEnded, SessionFailed, SessionReaped, SessionStarted
from reference_cluster.bugs import Bug
from reference_cluster.effects import Emit, Exit, Now, Receive, Reply, Request, Said, Sleep, Start
from reference_cluster.subsystems.control_plane import ControlPlane, begin_drain, say_stopped
from reference_cluster.subsystems.warm_pool.acquire import Wanted, acquire
from reference_cluster.subsystems.warm_pool.messages import CancelSession, CloseSession, Done, OpenSession, SessionOpened, Stop
from reference_cluster.subsystems.warm_pool.serve import park

POLL_US = 1_000_000

DRAIN_KEEPS_HOT = Bug(
    name="drain_keeps_hot",
    catalogue_id="DG-10",
    subsystem="warm_pool",
    scenario="drain_with_sessions",
    detectors=("warm_pool/idle_hot_pinned",),
    story="A draining control plane keeps its hot workers when their sessions end: nobody reuses them and nobody reaps them.",
)


async def receive_sessions(cp: ControlPlane) -> None:
    """Answer the clients, each beside the others."""
    while True:
        request = await Receive(f"{cp.id}/sessions")
        await Start(_answer(cp, request), "pool")


async def _answer(cp: ControlPlane, request: Request) -> None:
    match request.message:
        case OpenSession(session=session, org=org):
            await _open(cp, request, Wanted(session, org))
        case CloseSession(session=session):
            await _end(cp, session, SessionEnded, "closed")
            await Reply(request, Done())
        case CancelSession(session=session):
            cp.canceled.add(session)
            await _end(cp, session, SessionEnded, "canceled")
            await Reply(request, Done())
        case other:
            await Reply(request, refused=f"no such request: {other.name}")


async def _open(cp: ControlPlane, request: Request, wanted: Wanted) -> None:
    if cp.draining:
        await Reply(request, refused="draining")
        return
    cp.acquiring += 1
    held = await acquire(cp, wanted)
    if isinstance(held, str):
        cp.acquiring -= 1
        await Reply(request, refused=held)
        return
    if wanted.session in cp.canceled:
        held.session = None
        await Emit((wanted.said(cp, AcquireAbandoned(org=wanted.org), worker=held.row.key),))
        await park(cp, held)
        cp.acquiring -= 1
        return
    cp.sessions[wanted.session] = held.row.key
    cp.acquiring -= 1
    await Emit((wanted.said(cp, SessionStarted(org=wanted.org), worker=held.row.key),))
    await Reply(request, SessionOpened(worker=held.row.key, control_plane=cp.id))


async def _end(cp: ControlPlane, session: str, kind: type[SessionEnded | SessionFailed | SessionReaped], reason: str) -> None:
    """End an open session and give its worker back."""
    worker = cp.sessions.pop(session, None)
    if worker is None:
        return
    held = cp.workers.get(worker)
    org = held.row.text("org") if held is not None else "unknown"
    await Emit((_said(cp, kind(org=org), session, worker, reason),))
    if held is None or held.session != session:
        return
    held.session = None
    if cp.draining and cp.bugs.has(DRAIN_KEEPS_HOT):
        return
    await park(cp, held)


def _said(cp: ControlPlane, decision: Decision, session: str, worker: str, reason: str) -> Said:
    return Said(decision, session, refs=(cp.ref(), Ref(role="worker", kind="worker", id=worker)), reason=reason)


async def fail_sessions(cp: ControlPlane, worker: str, reason: str) -> None:
    """Break off the sessions of a worker that went away."""
    for session in [session for session, on in cp.sessions.items() if on == worker]:
        await _end(cp, session, SessionFailed, reason)


async def await_stop(cp: ControlPlane) -> None:
    """Wait for the order to stop, then drain, then end the process."""
    request = await Receive(f"{cp.id}/process")
    assert isinstance(request.message, Stop), request.message
    await Reply(request, Done())
    await begin_drain(cp)
    if not cp.bugs.has(DRAIN_KEEPS_HOT):
        for held in list(cp.workers.values()):
            await park(cp, held)
    idle_since_us: dict[str, int] = {}
    while (cp.sessions or cp.acquiring) and not cp.stopping:
        await Sleep(POLL_US)
        await _note_kept(cp, idle_since_us)
    overdue = bool(cp.sessions)
    for session in list(cp.sessions):
        await _end(cp, session, SessionReaped, "drain_deadline")
    await say_stopped(cp, "drain_deadline" if overdue else "drained")
    await Exit("drained")


async def _note_kept(cp: ControlPlane, idle_since_us: dict[str, int]) -> None:
    """Note in the truth file the workers that the drain keeps hot for nobody."""
    if not cp.bugs.has(DRAIN_KEEPS_HOT):
        return
    now_us = await Now()
    for held in cp.workers.values():
        if held.state == "hot" and held.session is None:
            since_us = idle_since_us.setdefault(held.row.key, now_us)
            if now_us - since_us > 8 * cp.config.pool_tick_us:
                cp.bugs.struck(DRAIN_KEEPS_HOT, held.row.key)
