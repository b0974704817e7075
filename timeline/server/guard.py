"""Who may ask, and what a browser may do with the answer: stands before every page and every route, WebSockets too.

marimo alone asks for no token in run mode and takes a WebSocket from any page that the browser has open, so the guard asks
for the token, for a `Host` that is ours and an `Origin` that is that host. It hashes the inline scripts and styles of a page and
lets the browser use those and no others.

Style attributes are free: marimo makes its pages out of text by React, which sets each attribute anew through the object model,
and that no policy governs. To forbid them would keep nothing out and fill the console, where a violation is to be a signal.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

COOKIE = "timeline_token"
TOKEN = "access_token"  # noqa: S105  the name of a parameter
MANIFEST = "/manifest.json"
"""A browser asks for it without its cookies; it tells nothing of the log."""
CLOSED = {"terminal", "lsp", "mcp"}
"""Parts of marimo's editor; nobody needs them to read."""

_INLINE = {
    "script": re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE),
    "style": re.compile(rb"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE),
}
_ASSET = re.compile(r"/[^/]+/assets/[^/]+-[\w-]{8}\.[a-z0-9]+")
"""A file of marimo's own, with the hash of its content in its name: a page asks for 300 of them, and none tells of the log."""
_KEPT, _NOT_KEPT = "private, max-age=31536000, immutable", "no-store"
_REFUSALS = {
    401: "a token is missing or wrong: open the address that was printed with its token, or send it as Authorization: Bearer\n",
    403: "this server is not known by that name, or the page that asks is not its own\n",
    404: "there is no such page\n",
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Guard:
    """Lets through who has the token and comes from our own page; adds the security headers to what goes back."""

    def __init__(
        self, app: App, token: str, *, names: Iterable[str] = (), open_paths: Iterable[str] = (), styles: Iterable[bytes] = ()
    ) -> None:
        """`names` are values of `Host` by which the server is known beside its own address; `open_paths` need no token and no name.

        `styles` are the inline styles that scripts of a page put into it.
        """
        self._app = app
        self._token = token
        self._styles = tuple(styles)
        self._names = frozenset(names)
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status = self._refused(scope, headers)
        if status is not None:
            await _refuse(scope, send, status)
        elif scope.get("method") in {"GET", "HEAD"} and self._is_token(_of_query(scope)):
            await _welcome(scope, send, self._token)
        else:
            # Without compression, so that inline scripts can be read and hashed on their way out.
            plain = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
            host = headers.get("host", "") if self._is_ours(scope, headers.get("host", "")) else ""
            sealed = _Sealed(send, host, self._styles, scope["path"]) if scope["type"] == "http" else send
            await self._app({**scope, "headers": plain}, receive, sealed)

    def _refused(self, scope: Message, headers: dict[str, str]) -> int | None:
        """The status of the refusal; None where there is none."""
        if scope["path"] in self._open_paths:
            return None
        host = headers.get("host", "")
        if not self._is_ours(scope, host) or headers.get("origin", f"//{host}").partition("//")[2] != host:
            return 403
        said = (_of_query(scope), _of_header(headers), _of_cookie(headers.get("cookie", "")))
        if not scope["path"].endswith(MANIFEST) and not any(map(self._is_token, said)):
            return 401
        return 404 if CLOSED.intersection(scope["path"].split("/")[1:3]) else None

    def _is_ours(self, scope: Message, host: str) -> bool:
        """Whether it is a name of ours, or the address that was reached: no page of another name can make a browser say either."""
        address, port = scope["server"]
        return host in self._names or host == (f"[{address}]:{port}" if ":" in address else f"{address}:{port}")

    def _is_token(self, said: str) -> bool:
        return hmac.compare_digest(said.encode(), self._token.encode())


def _of_query(scope: Message) -> str:
    return dict(_query(scope)).get(TOKEN, "")


def _query(scope: Message) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _of_header(headers: dict[str, str]) -> str:
    scheme, _, said = headers.get("authorization", "").partition(" ")
    return said.strip() if scheme.lower() == "bearer" else ""


def _of_cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


class _Sealed:
    """Adds headers to a reply. A page is held back until it is whole, because its policy names the hashes of its scripts."""

    def __init__(self, send: Send, host: str, styles: Sequence[bytes], path: str) -> None:
        self._send = send
        self._host = host
        self._styles = styles
        self._path = path
        self._start: Message | None = None
        self._page = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            is_page = any(name.lower() == b"content-type" and b"text/html" in value for name, value in message["headers"])
            self._start = message if is_page else None
            if not is_page:
                kept = _KEPT if message["status"] == 200 and _ASSET.fullmatch(self._path) else _NOT_KEPT
                await self._send({**message, "headers": [*message["headers"], *_headers(self._host, b"", (), kept)]})
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._page += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send({**self._start, "headers": [*self._start["headers"], *_headers(self._host, self._page, self._styles)]})
                await self._send({"type": "http.response.body", "body": self._page})


def _headers(host: str, page: bytes, styles: Iterable[bytes], kept: str = _NOT_KEPT) -> list[tuple[bytes, bytes]]:
    """The security headers of a reply; its policy allows the inline scripts and styles of `page`, and `styles`."""
    scripts = _hashes(_INLINE["script"].findall(page))
    looks = _hashes([*_INLINE["style"].findall(page), *styles])
    policy = (
        f"default-src 'none'; script-src 'self' 'unsafe-eval'{scripts}; style-src 'self'{looks}; style-src-attr 'unsafe-inline'; "
        f"font-src 'self' data:; img-src 'self' data: blob:; media-src 'self' data: blob:; worker-src 'self' blob:; manifest-src 'self'; "
        f"connect-src 'self' ws://{host} wss://{host}; frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; "
        f"frame-ancestors 'none'"
    )
    fixed = {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": kept,
    }
    return [(name.encode(), value.encode("latin-1")) for name, value in fixed.items()]


def _hashes(texts: Iterable[bytes]) -> str:
    """Sources of a policy that allow these texts, each behind a blank."""
    digests = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in texts)
    return "".join(f" 'sha256-{digest}'" for digest in dict.fromkeys(digests))


async def _welcome(scope: Message, send: Send, token: str) -> None:
    """Keep the token in a cookie and take it out of the address, where it would be seen and remembered."""
    rest = urlencode([(name, value) for name, value in _query(scope) if name != TOKEN])
    place = b"/" + scope["raw_path"].lstrip(b"/\\") + (f"?{rest}".encode() if rest else b"")  # two slashes would name another server
    cookie = f"{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/"
    headers = [(b"location", place), (b"set-cookie", cookie.encode()), (b"referrer-policy", b"no-referrer")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(scope: Message, send: Send, status: int) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *([(b"www-authenticate", b"Bearer")] if status == 401 else [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": _REFUSALS[status].encode()})
