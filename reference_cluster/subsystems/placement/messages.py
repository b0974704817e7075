"""The messages that cross the wire between users, schedulers, runtimes and the store."""

from __future__ import annotations

from reference_cluster.wire import Message


class SubmitJob(Message, name="placement.submit"):
    """A user hands in a job file."""

    file: str


class ScaleJob(Message, name="placement.scale"):
    """A user wants another number of instances."""

    job: str
    instances: int


class Accepted(Message, name="placement.accepted"):
    """Job and schedule are committed."""

    job: str
    version: int
    """Version of the schedule."""


class CreateContainer(Message, name="container.create"):
    """Make a container; it does not run yet."""

    container: str
    instance: str
    slot: str


class LaunchContainer(Message, name="container.launch"):
    """Answer when it runs."""

    container: str


class StopContainer(Message, name="container.stop"):
    """Answer when it is gone, with its local storage where that is to go too."""

    container: str
    why: str
    with_storage: bool


class CheckContainer(Message, name="container.check"):
    """Ask its health endpoint."""

    container: str


class Checked(Message, name="container.checked"):
    """What the endpoint answered."""

    status: int


class ListContainers(Message, name="container.list"):
    """Which containers are there."""


class ContainerSeen(Message, name="container.seen"):
    """A container in a list."""

    container: str
    instance: str
    state: str
    """created, running, exited, stopping."""
    exit_code: int


class Containers(Message, name="container.listed"):
    """The containers that are there."""

    containers: tuple[ContainerSeen, ...]


class Feed(Message, name="runtime.feed"):
    """The node's lease was refreshed so long ago: the watchdog counts from there."""

    age_us: int


class Mishap(Message, name="runtime.mishap"):
    """Something happens to a container: it exits, or its endpoint fails for a while."""

    container: str
    what: str
    exit_code: int
    lasts_us: int


class Election(Message, name="etcd.election"):
    """The store loses its leader and elects another."""

    lasts_us: int


class HttpRequest(Message, name="http.request"):
    """A request from outside, with its Host header."""

    request: str
    host: str


class Done(Message, name="placement.done"):
    """It was done."""
