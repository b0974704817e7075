"""Serves one notebook to one person: on this machine only, behind a token, with a policy that runs no script but marimo's own.

marimo alone asks for no token in run mode and takes a WebSocket from any page that the browser has open, so a guard stands
before it. The guard hashes the inline scripts of marimo's page and lets the browser run those and no others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs

import marimo
import uvicorn

from ingest.errors import UsageError

LOOPBACK = "127.0.0.1"
COOKIE = "timeline_token"
TOKEN = "access_token"  # noqa: S105  the name of a parameter
OPEN = ("/manifest.json",)
"""Paths that a browser asks for without its cookies; they tell nothing of the log."""
CLOSED = ("/terminal", "/lsp", "/mcp")
"""Paths of marimo's editor; nobody needs them to read."""

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def serve(notebook: Path, database: Path, port: int, say: Callable[[str], None]) -> None:
    """Serve the notebook until somebody stops it; `say` is told the address. Port 0 is any free one. Raises UsageError."""
    os.environ["TIMELINE_DB"] = str(database)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()  # who opens the address at once waits, and is not refused
    except OSError as error:
        raise UsageError(f"serving the notebook at {LOOPBACK}:{port}: {error.strerror}; choose another port, 0 for any free one") from None
    host = f"{LOOPBACK}:{listener.getsockname()[1]}"
    token = token_urlsafe(24)
    pages = marimo.create_asgi_app(quiet=True, include_code=False).with_app(path="/", root=str(notebook)).build()
    say(f"http://{host}/?{TOKEN}={token}")
    say("open this address in a browser; stop with Ctrl-C")
    config = uvicorn.Config(Guard(pages, host, token), log_level="warning", server_header=False, timeout_graceful_shutdown=1)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        for route in pages.routes:  # type: ignore[attr-defined]  # the builder says ASGIApp and gives a Starlette
            route.app.state.session_manager.close_all_sessions()  # else their threads keep the process


class Guard:
    """Lets through who has the token and comes from our own page; adds the security headers to what goes back."""

    def __init__(self, app: App, host: str, token: str) -> None:
        self._app = app
        self._host = host
        self._token = token

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status = self._refused(scope, headers)
        if status is not None:
            await _refuse(scope, send, status)
        elif scope["type"] == "http" and self._is_token(_of_query(scope)):
            await _welcome(scope, send, self._token)
        else:
            # Without compression, so that inline scripts can be read and hashed on their way out.
            plain = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
            await self._app({**scope, "headers": plain}, receive, _Sealed(send, self._host) if scope["type"] == "http" else send)

    def _refused(self, scope: Message, headers: dict[str, str]) -> int | None:
        """The status of the refusal; null where there is none."""
        if headers.get("host") != self._host or headers.get("origin", f"http://{self._host}") != f"http://{self._host}":
            return 403
        if scope["path"] not in OPEN and not (self._is_token(_of_query(scope)) or self._is_token(_of_cookie(headers.get("cookie", "")))):
            return 401
        return 404 if scope["path"].startswith(CLOSED) else None

    def _is_token(self, said: str) -> bool:
        return hmac.compare_digest(said.encode(), self._token.encode())


def _of_query(scope: Message) -> str:
    said: list[str] = parse_qs(scope["query_string"].decode("latin-1")).get(TOKEN, [""])
    return said[-1]


def _of_cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


class _Sealed:
    """Adds headers to a reply. A page is held back until it is whole, because its policy names the hashes of its scripts."""

    def __init__(self, send: Send, host: str) -> None:
        self._send = send
        self._host = host
        self._start: Message | None = None
        self._page = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            is_page = any(name.lower() == b"content-type" and b"text/html" in value for name, value in message["headers"])
            self._start = message if is_page else None
            if not is_page:
                await self._send({**message, "headers": [*message["headers"], *_headers(self._host, b"")]})
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._page += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send({**self._start, "headers": [*self._start["headers"], *_headers(self._host, self._page)]})
                await self._send({"type": "http.response.body", "body": self._page})


def _headers(host: str, page: bytes) -> list[tuple[bytes, bytes]]:
    """The security headers of a reply; its policy allows the inline scripts of `page`."""
    digests = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE_SCRIPT.findall(page)]
    inline = " ".join(f"'sha256-{digest}'" for digest in dict.fromkeys(digests))
    policy = (
        f"default-src 'none'; script-src 'self' 'unsafe-eval' {inline}; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
        f"img-src 'self' data: blob:; media-src 'self' data: blob:; worker-src 'self' blob:; manifest-src 'self'; "
        f"connect-src 'self' ws://{host}; frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    fixed = {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
    return [(name.encode(), value.encode()) for name, value in fixed.items()]


async def _welcome(scope: Message, send: Send, token: str) -> None:
    """Keep the token in a cookie and take it out of the address, where it would be seen and remembered."""
    cookie = f"{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/"
    headers = [(b"location", scope["path"].encode()), (b"set-cookie", cookie.encode()), (b"referrer-policy", b"no-referrer")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(scope: Message, send: Send, status: int) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    says = {401: b"This page needs the address with its token, as timeline notebook printed it.\n"}.get(status, b"")
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain; charset=utf-8")]})
    await send({"type": "http.response.body", "body": says})
