"""The process: a socket, a token, and what stands behind them until a signal comes."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from secrets import token_urlsafe
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from ingest.errors import UsageError
from timeline import signals
from timeline.server.guard import TOKEN, Guard
from timeline.server.owner import Owner
from timeline.server.pages import Pages, styles
from timeline.server.routes import Routes

LOOPBACK = "127.0.0.1"
PROBES = ("/healthz", "/readyz")
"""Who asks whether the process lives has no token, and learns nothing of the log."""
GRACE_SECONDS = 1
"""How long requests that are being answered may take when it ends."""
_TOKEN = re.compile(r"[\w-]{16,200}", re.ASCII)


class Address(NamedTuple):
    """Where to listen. Port 0 is any free one."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> Address:
        """`HOST:PORT` as it is written on the command line. Raises UsageError."""
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
        try:
            return cls(str(ip_address("127.0.0.1" if host == "localhost" else host)), int(port))
        except ValueError:
            raise UsageError(f"listening at {text!r}: write ADDRESS:PORT, such as 127.0.0.1:2718, 0.0.0.0:2718 or [::1]:2718") from None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Door:
    """How the server is reached, and by whom."""

    address: Address
    token: str
    names: Sequence[str] = ()
    """Values of `Host` by which it is known beside its own address."""
    has_open_metrics: bool = False
    """Whether /metrics needs no token."""
    tells_token: bool = True
    """Whether the token is printed: one from a file is known, and what is printed may be kept as a log."""


def token_of(path: Path | None) -> str:
    """The token that a file holds, or a new one. Raises UsageError."""
    if path is None:
        return token_urlsafe(24)
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"reading the token in {path}: {getattr(error, 'strerror', None) or 'it is not plain text'}") from None
    if not _TOKEN.fullmatch(token):
        raise UsageError(f"reading the token in {path}: write 16 to 200 letters, digits, - or _ into it")
    return token


def serve(
    database: Path,
    door: Door,
    notebooks: Mapping[str, Path],
    follow: Sequence[str | Path],
    *,
    say: Callable[[str], None],
    tell: Callable[[str], None],
) -> int:
    """Own a database and serve it until a signal comes; gives the signal's number. `say` is told the address, `tell` what goes wrong.

    Raises DatabaseBusy, DatabaseUnusable, UsageError; StorageFailed where nothing could be written any more.
    """
    with owning(database, door, notebooks, follow, tell) as (server, owner):
        server.run_until_signal(say)
        if owner.failure is not None:
            raise owner.failure
    return server.signal


def show(database: Path, door: Door, notebooks: Mapping[str, Path], name: str, say: Callable[[str], None]) -> int:
    """Serve the notebooks on a database that is only read, until a signal comes; gives the signal's number. Raises UsageError."""
    with ExitStack() as stack:
        listener = stack.enter_context(_listening(door.address))
        server = Server(_pages(notebooks, database, stack), listener, door, ())
        server.run_until_signal(say, name)
    return server.signal


@contextmanager
def owning(
    database: Path, door: Door, notebooks: Mapping[str, Path], follow: Sequence[str | Path], tell: Callable[[str], None]
) -> Iterator[tuple[Server, Owner]]:
    """A server that is ready to run, over a database that this process owns while the `with` lasts."""
    with ExitStack() as stack:
        listener = stack.enter_context(_listening(door.address))
        owner = stack.enter_context(Owner(database, follow, tell=tell))
        pages = _pages(notebooks, database, stack)
        open_paths = (*PROBES, *(["/metrics"] if door.has_open_metrics else []))
        server = Server([*Routes(owner).routes(), *pages], listener, door, open_paths)
        owner.announce(f"http://{server.address}", server.stop)
        yield server, owner


def _pages(notebooks: Mapping[str, Path], database: Path, stack: ExitStack) -> list[BaseRoute]:
    stack.enter_context(_named(database))
    pages = Pages(notebooks, database)
    stack.callback(pages.close)
    return pages.routes()


@contextmanager
def _named(database: Path) -> Iterator[None]:
    """A notebook that nobody gives a database finds this one, while the `with` lasts."""
    before = os.environ.get("TIMELINE_DB")
    os.environ["TIMELINE_DB"] = str(database)
    try:
        yield
    finally:
        del os.environ["TIMELINE_DB"]
        os.environ |= {} if before is None else {"TIMELINE_DB": before}


@contextmanager
def _listening(address: Address) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address.host, address.port))
            listener.listen()  # who opens the address at once waits, and is not refused
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"serving at {address}: {reason}; choose another port, 0 for any free one") from None
        yield listener


class Server(uvicorn.Server):
    """Serves behind the guard until a signal comes, and then says which."""

    def __init__(self, routes: Iterable[BaseRoute], listener: socket.socket, door: Door, open_paths: Iterable[str]) -> None:
        self.listener, self.door, self.signal = listener, door, 0
        self.address = Address(door.address.host, listener.getsockname()[1])
        names = (*door.names, *([f"localhost:{self.address.port}"] if self.address.is_loopback else []))
        guard = Guard(Starlette(routes=list(routes)), door.token, names=names, open_paths=open_paths, styles=styles())
        # Neither addresses, which may hold the token, nor anything else of a request is logged.
        super().__init__(
            uvicorn.Config(guard, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_SECONDS)
        )

    def run_until_signal(self, say: Callable[[str], None], page: str = "") -> None:
        """Serve, and say where first."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._on_signal)
            signals.end_if_asked()
        say(f"http://{self.address}/{page}" + (f"?{TOKEN}={self.door.token}" if self.door.tells_token else ""))
        say("open this address in a browser; stop with Ctrl-C" if self.door.tells_token else f"in a browser, add ?{TOKEN}= and the token")
        self.run(sockets=[self.listener])

    def stop(self) -> None:
        """Take no more, finish what is being answered, and end."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Our own handlers stay."""
        yield

    def _on_signal(self, number: int, _: object) -> None:
        self.force_exit = bool(self.signal)  # asked twice: do not wait for anybody
        self.signal = number
        self.stop()
