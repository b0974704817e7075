"""What the server answers to programs: events in, gauges and its own standing out."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ingest.chunks import CompressedInputBroken, unpacked
from ingest.errors import TimelineError
from timeline.gauges.openmetrics import SCRAPE_TYPE
from timeline.remote import PATH as DATABASE
from timeline.server.intake import BODY_BYTES_MAX, Answer, Body, IntakeFull
from timeline.server.owner import Owner
from timeline.server.refresher import seconds_since
from timeline.server.snapshots import Copy

RECEIVE_SECONDS_MAX = 30.0
"""How long the body of a request may take to arrive."""
RETRY_SECONDS = 1
"""When to try again where there was no room."""
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_BINARY = ("application/x-protobuf", "application/protobuf")

Handler = Callable[[Request], Awaitable[Response]]


class _Turned(Exception):
    """A request that is turned away."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.response = JSONResponse({"error": says}, status, {"retry-after": str(RETRY_SECONDS)} if status in {429, 503} else {})


class Routes:
    """The routes over an owned database, and how often each was asked."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._requests: Counter[tuple[str, int]] = Counter()

    def routes(self) -> list[BaseRoute]:
        """What a router needs."""
        return [
            Route("/events", self._counted(self._events), methods=["POST"]),
            Route("/v1/logs", self._counted(self._logs), methods=["POST"]),
            Route(DATABASE, self._counted(self._database)),
            Route("/metrics", self._counted(self._metrics)),
            Route("/healthz", self._counted(self._healthz)),
            Route("/readyz", self._counted(self._readyz)),
        ]

    def _counted(self, handler: Handler) -> Handler:
        async def counted(request: Request) -> Response:
            try:
                response = await handler(request)
            except _Turned as turned:
                response = turned.response
            self._requests[request.url.path, response.status_code] += 1
            return response

        return counted

    # ---- events

    async def _events(self, request: Request) -> Response:
        answer = await self._commit(request)
        refused = [vars(line) for line in answer.refused]
        return JSONResponse(vars(answer.counts) | {"refused": refused})

    async def _logs(self, request: Request) -> Response:
        """OTLP: the answer is an ExportLogsServiceResponse."""
        answer = await self._commit(request)
        if not answer.counts.quarantined:
            return JSONResponse({})
        first = answer.refused[0]
        says = f"record {first.line}: {first.reason}: {first.detail}"
        return JSONResponse({"partialSuccess": {"rejectedLogRecords": str(answer.counts.quarantined), "errorMessage": says}})

    async def _commit(self, request: Request) -> Answer:
        """Take a request's events in, and wait until they are durable."""
        if self._owner.failure is not None:
            raise _Turned(503, "nothing can be written any more")
        if request.headers.get("content-type", "").startswith(_BINARY):
            raise _Turned(415, "protobuf is not read: send JSON (for OTLP: OTEL_EXPORTER_OTLP_PROTOCOL=http/json)")
        body = Body(await self._read(request), request.query_params.get("run") or None)
        self._owner.intake.put(body)
        try:
            return await asyncio.wrap_future(body.answer)
        except TimelineError as error:
            raise _Turned(503, f"the events were not committed: {type(error).__name__}") from error

    async def _read(self, request: Request) -> bytes:
        """The body, unpacked; room is made for it as it arrives."""
        intake, text = self._owner.intake, bytearray()
        try:
            async with asyncio.timeout(RECEIVE_SECONDS_MAX):
                async for piece in request.stream():
                    if len(text) + len(piece) > BODY_BYTES_MAX:
                        raise _Turned(413, f"a body may have {BODY_BYTES_MAX} bytes: send fewer events at once")
                    intake.reserve(len(piece))
                    text += piece
            whole = await asyncio.to_thread(_unpacked, bytes(text)) if text.startswith(_PACKED) else _whole_event(request, bytes(text))
            if not whole.strip():
                raise _Turned(400, "there is nothing in the body")
            intake.reserve(len(whole) - len(text))
            return whole
        except IntakeFull:
            intake.release(len(text))
            raise _Turned(429, "more events wait than can be taken in now: try again later") from None
        except (TimeoutError, ClientDisconnect):
            intake.release(len(text))
            raise _Turned(408, "the body did not arrive in time") from None
        except BaseException:
            intake.release(len(text))
            raise

    # ---- what is known

    async def _database(self, _: Request) -> Response:
        """The database as it was at the last refresh: who reads from elsewhere reads a copy."""
        try:
            held = ExitStack()
            copy = await asyncio.to_thread(held.enter_context, self._owner.held())
        except TimelineError as error:
            raise _Turned(503, "no copy of the database can be made now") from error
        return _Held(copy, held)

    # ---- standing

    async def _metrics(self, _: Request) -> Response:
        return Response(self._owner.refresher.gauges + "".join(self._own()).encode(), media_type=SCRAPE_TYPE)

    async def _healthz(self, _: Request) -> Response:
        is_alive = self._owner.is_alive()
        return PlainTextResponse("ok\n" if is_alive else "a thread has ended\n", 200 if is_alive else 503)

    async def _readyz(self, _: Request) -> Response:
        reasons = self._owner.unready()
        return PlainTextResponse("; ".join(reasons or ["ok"]) + "\n", 503 if reasons else 200)

    def _own(self) -> list[str]:
        """The server's own figures, as they are at this moment."""
        owner, name = self._owner, "timeline_server_requests_total"
        lines = [f"# HELP {name} Requests by path and status.\n# TYPE {name} counter\n"]
        lines += [f'{name}{{path="{path}",status="{status}"}} {count}\n' for (path, status), count in sorted(self._requests.items())]
        age = owner.refresher.age_seconds()
        figures: list[tuple[str, str, str, float]] = [
            ("events_total", "counter", "Events that were received and committed.", owner.writer.events),
            ("queue_requests", "gauge", "Requests whose events wait for their commit.", len(owner.intake)),
            ("queue_bytes", "gauge", "Bytes of requests that wait or arrive.", owner.intake.held_bytes),
            ("refreshes_total", "counter", "Refreshes of the models.", owner.refresher.count),
            *([] if age is None else [("refresh_age_seconds", "gauge", "How long ago the models were refreshed.", round(age, 3))]),
            ("ready", "gauge", "Whether /readyz says so.", int(not owner.unready())),
        ]
        for short, kind, says, value in figures:
            lines.append(f"# HELP timeline_server_{short} {says}\n# TYPE timeline_server_{short} {kind}\ntimeline_server_{short} {value}\n")
        return lines


class _Held(FileResponse):
    """A file that must stay until it is sent, or nobody wants it any more."""

    def __init__(self, copy: Copy, held: ExitStack) -> None:
        age = {"age": f"{seconds_since(copy.refreshed_at):.0f}"}
        super().__init__(copy.path, headers=age, media_type="application/vnd.duckdb")
        self._held = held

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


def _unpacked(text: bytes) -> bytes:
    whole = bytearray()
    try:
        for piece in unpacked(BytesIO(text)):
            whole += piece
            if len(whole) > BODY_BYTES_MAX:
                raise _Turned(413, f"a body may have {BODY_BYTES_MAX} bytes when it is unpacked: send fewer events at once")
    except CompressedInputBroken as error:
        raise _Turned(400, f"the body cannot be unpacked: {error}") from None
    return bytes(whole)


def _whole_event(request: Request, text: bytes) -> bytes:
    """A CloudEvent in binary mode as a structured one: its attributes are headers, and the body is its data. Else the body."""
    if "ce-specversion" not in request.headers:
        return text
    attributes: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value) for name, value in request.headers.items() if name.startswith("ce-")
    }
    try:
        attributes["data"] = json.loads(text) if text else None
    except (ValueError, RecursionError):
        attributes["data"] = text.decode(errors="backslashreplace")
    return json.dumps(attributes).encode()
