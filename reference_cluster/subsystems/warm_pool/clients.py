"""The clients: each opens one session, keeps it for a while, closes it."""

from __future__ import annotations

from reference_cluster.effects import Call, CallRefused, CallTimedOut, Sleep
from reference_cluster.subsystems.warm_pool.messages import CancelSession, CloseSession, OpenSession, SessionOpened
from reference_cluster.subsystems.warm_pool.scenario import Session

CLOSE_TIMEOUT_US = 5_000_000


async def use(session: Session) -> None:
    """Open the session at its time, hold it, close it; cancel it where the worker does not come in time."""
    await Sleep(session.at_us)
    front_door = f"{session.on}/sessions"
    try:
        opened = await Call(front_door, OpenSession(session=session.id, org=session.org), session.patience_us)
        assert isinstance(opened, SessionOpened), opened
        await Sleep(session.hold_us)
        await Call(f"{opened.control_plane}/sessions", CloseSession(session=session.id), CLOSE_TIMEOUT_US)
    except CallRefused:
        return
    except CallTimedOut:
        try:
            await Call(front_door, CancelSession(session=session.id), CLOSE_TIMEOUT_US)
        except (CallTimedOut, CallRefused):
            return
