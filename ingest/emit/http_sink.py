"""Events to a running `timeline serve`, which answers when they are durable."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from urllib.parse import urlsplit

from ingest.emit.sink import BatchTooLarge, SinkBusy, SinkRefused

TIMEOUT_SECONDS = 30.0
_REPLY_BYTES = 64 * 1024
_TOO_LARGE = 413
_NEVER = {400, 405, 406, 411, 414, 415, 422, 431}
"""Answers that will not change when the same events come again. After any other the events are sent again."""


class HttpSink:
    """POST URL/events. An event that was taken and whose answer was lost is sent again; its id makes it one."""

    batch_events = 10_000
    batch_bytes = 1024 * 1024

    def __init__(self, url: str, *, token: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """`url` as http://HOST:PORT, `token` as `timeline serve` wants it. Raises ValueError, without the URL: it may hold a secret."""
        try:
            address = urlsplit(url)
            self._host, self._port = address.hostname or "", address.port
        except ValueError:
            raise ValueError("the URL cannot be read; write http://HOST:PORT") from None
        is_plain = address.username is None and address.password is None and not address.query and not address.fragment
        if address.scheme not in {"http", "https"} or not self._host or not is_plain or not url.isprintable():
            raise ValueError("write the URL as http://HOST:PORT or https://HOST:PORT, and give a token apart")
        if token is not None and not (token.isascii() and token.isprintable()):
            raise ValueError("the token has to be one line of ASCII")
        self._connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._place = address.path.rstrip("/") + "/events"
        self._timeout_seconds = timeout_seconds
        self._headers = {"Content-Type": "application/x-ndjson"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def write(self, lines: Sequence[bytes]) -> None:
        """Send these lines. Raises OSError, SinkBusy, SinkRefused, BatchTooLarge."""
        connection = self._connect(self._host, self._port, timeout=self._timeout_seconds)
        try:
            connection.request("POST", self._place, b"".join(lines), self._headers)
            reply = connection.getresponse()
            reply.read(_REPLY_BYTES)
        except http.client.HTTPException as error:
            raise SinkBusy(f"the server broke off: {type(error).__name__}") from None
        finally:
            connection.close()
        if 200 <= reply.status < 300:
            return
        if reply.status == _TOO_LARGE:
            raise BatchTooLarge
        if reply.status in _NEVER:
            raise SinkRefused(f"the server answered {reply.status}")
        raise SinkBusy(f"the server answered {reply.status}", _seconds(reply.getheader("Retry-After")))

    def close(self) -> None:
        """Nothing is kept open between two batches."""


def _seconds(text: str | None) -> float | None:
    """The seconds of a Retry-After; None for a date, which would need the server's clock."""
    return float(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 9 else None
