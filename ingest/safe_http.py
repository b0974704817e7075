"""HTTP to a server that may be hostile: one answer, in time, of bounded size, from the place that was asked.

`requests` alone follows redirects wherever they lead, unpacks whatever comes, reads passwords from `~/.netrc`, and its timeout
starts anew with every byte.
"""

from __future__ import annotations

import io
import ipaddress
import os
import queue
import socket
import threading
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

REPLY_BYTES_MAX = 8 * 1024 * 1024
SECONDS_MAX = 5.0
_READ_BYTES = 64 * 1024
_METADATA = {"168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"}
"""Where clouds hand out credentials, beside the link-local addresses."""


class NoAnswer(Exception):
    """There is no answer that may be used. The message says why, and holds nothing that the server said."""


def is_forbidden(host: str) -> bool:
    """Whether nothing may be asked of an address: link-local ones, and others at which a cloud hands out credentials.

    An address may be written in any way that the system takes, such as one number. A name is none.
    """
    try:
        plain = ipaddress.ip_address(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        try:
            plain = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
    plain = getattr(plain, "ipv4_mapped", None) or plain
    return plain.is_link_local or str(plain) in _METADATA


def _checked(sock: socket.socket) -> socket.socket:
    """A connected socket, if it leads to where it may. Looked at after connecting, so that no second look-up of a name can differ."""
    address = sock.getpeername()[0]
    if is_forbidden(address):
        sock.close()
        raise NoAnswer(f"its address is {address}, where clouds keep credentials; that is no server to ask")
    return sock


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class CheckedAdapter(HTTPAdapter):
    """Connects once, and only to where it may."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class BoundedSession(requests.Session):
    """A session in which every request ends within `seconds`, with an answer of at most `reply_bytes`, or with NoAnswer."""

    def __init__(self, seconds: float = SECONDS_MAX, reply_bytes: int = REPLY_BYTES_MAX) -> None:
        super().__init__()
        self.seconds, self.reply_bytes = seconds, reply_bytes
        self.trust_env = False  # no proxy and no password that nobody gave for this
        self.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        self.headers["Accept-Encoding"] = "identity"
        self.headers["Connection"] = "close"

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        """The answer. Names are looked up, and bytes dribble in, in a thread that is left behind when the time is over."""
        answers: queue.SimpleQueue[requests.Response | Exception] = queue.SimpleQueue()
        is_over = threading.Event()

        def ask() -> None:
            try:
                answers.put(self._ask(is_over, *arguments, **options))
            except Exception as error:  # noqa: BLE001  carried to the one who asked
                answers.put(error)

        threading.Thread(target=ask, name="bounded-request", daemon=True).start()
        try:
            answer = answers.get(timeout=self.seconds)
        except queue.Empty:
            raise NoAnswer(f"no whole answer within {self.seconds:g} s") from None
        finally:
            is_over.set()
        if isinstance(answer, NoAnswer):
            raise answer
        if isinstance(answer, Exception):
            raise NoAnswer(_reason(answer)) from None
        return answer

    def _ask(self, is_over: threading.Event, *arguments: Any, **options: Any) -> requests.Response:
        options |= {"allow_redirects": False, "stream": True, "timeout": 2 * self.seconds}  # ends a thread that was left behind
        reply = super().request(*arguments, **options)
        with reply:
            if reply.is_redirect or 300 <= reply.status_code < 400:
                raise NoAnswer(f"it answers {reply.status_code} and leads elsewhere; redirects are not followed, give the place itself")
            if reply.headers.get("Content-Encoding", "identity") != "identity":
                raise NoAnswer("it packs its answer, which was not asked for")
            body = io.BytesIO()
            for block in reply.raw.stream(_READ_BYTES, decode_content=False):
                if is_over.is_set():
                    break
                if body.write(block) and body.tell() > self.reply_bytes:
                    raise NoAnswer(f"its answer has more than {self.reply_bytes} bytes")
        body.seek(0)
        reply.raw = body
        return reply


def _reason(error: BaseException | None) -> str:
    """Why there is no answer, in words of the operating system or of its class: the library's own would repeat what was asked."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        if isinstance(error, socket.gaierror):
            return "its name has no address"
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        inner = next((part for part in error.args if isinstance(part, BaseException)), None)
        error = error.__cause__ or error.__context__ or inner or getattr(error, "reason", None)
    return type(seen[0]).__name__
