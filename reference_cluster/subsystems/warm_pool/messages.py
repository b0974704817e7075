"""The messages that cross the wire between clients, control planes and the cluster that runs pods."""

from __future__ import annotations

from reference_cluster.wire import Message


class CreatePod(Message, name="pod.create"):
    """Make a pod for a worker."""

    worker: str
    image: str
    vcpu: int


class AwaitPod(Message, name="pod.await"):
    """Answer when the worker's pod is ready."""

    worker: str


class DeletePod(Message, name="pod.delete"):
    """End the worker's pod."""

    worker: str


class ListPods(Message, name="pod.list"):
    """Which pods are there."""


class Activate(Message, name="worker.activate"):
    """Attach a tenant to the worker."""

    worker: str
    org: str


class Probe(Message, name="worker.probe"):
    """Is the worker alive."""

    worker: str


class Done(Message, name="done"):
    """It was done."""


class PodSeen(Message, name="pod.seen"):
    """A pod in a list."""

    worker: str
    age_us: int
    ending: bool
    """It has been told to end and is doing so."""


class Pods(Message, name="pod.listed"):
    """The pods that are there."""

    pods: tuple[PodSeen, ...]


class OpenSession(Message, name="session.open"):
    """A client wants a session."""

    session: str
    org: str


class SessionOpened(Message, name="session.opened"):
    """The session runs; it is closed at that control plane."""

    worker: str
    control_plane: str


class CloseSession(Message, name="session.close"):
    """The client has finished."""

    session: str


class CancelSession(Message, name="session.cancel"):
    """The client does not want the session any more."""

    session: str


class Stop(Message, name="process.stop"):
    """End gracefully, as on SIGTERM."""
