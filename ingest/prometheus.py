"""Prometheus as a source: what a range query says, as lines of JSON that a mapping file turns to events.

A line is about one series at one moment of a fixed grid: multiples of the step since 1970. One is written where the value is
another than a step before, and every `KEYFRAME_SECONDS`, so that a value that stays is told from one that nobody looks at.
It depends on what was seen at these moments and two steps on, and not on the window, so that windows that overlap say the same.

    {"id": "<query and labels>@<at>", "at": 1700000060, "previous_at": 1700000000, "change": "changed",
     "metric": "…", "series": "…{…}", "labels": {…}, "value": "1", "previous": "0", "sign": "+", "query": "…"}

`change` is `held`, `changed`, `appeared`, `vanished`, or `unseen` where no series of the query is left two steps on: then nobody
was looking; and `found` for what is there when looking begins again. A value that is not there is null. `sign` is +, 0 or -, and
null for what is no number.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BaseModel, FiniteFloat, TypeAdapter

from ingest.database import Database
from ingest.errors import StorageFailed, UpstreamUnavailable, UsageError
from ingest.load import Report, load_stream
from ingest.mapping import mapping_source

if TYPE_CHECKING:
    from ingest.safe_http import BoundedSession

TOKEN_FILE = "PROMETHEUS_TOKEN_FILE"  # noqa: S105  the name of a variable that names a file
MAPPING = "prometheus"
"""The shipped mapping that says every line as it is."""
KEYFRAME_SECONDS = 300
"""Also the longest step: Prometheus itself looks back no further for a value."""
POINTS_MAX = 10_000
"""Moments in one request; Prometheus answers no more than 11,000."""
STEPS_ON = 2
"""Where nobody looks any more, series vanish one after another, each with its own last scrape: within a step, for a step is no shorter
than the scrape interval. So long after that one has vanished others must still be seen."""
REQUESTS_MAX = 100
SERIES_MAX = 1000
ROWS_BYTES_MAX = 1024 * 1024 * 1024
SERIES_CHARS_MAX = 200


class Series(BaseModel):
    """One series of an answer."""

    metric: dict[str, str]
    values: list[tuple[FiniteFloat, str]] = []
    """Moment in seconds and value."""


_ANSWER = TypeAdapter(list[Series])


class Window(NamedTuple):
    """The moments that are asked for, in seconds since 1970, on the grid."""

    start: int
    end: int
    step: int

    @property
    def keyframe(self) -> int:
        """How often a value that stays is said again."""
        return self.step * math.ceil(KEYFRAME_SECONDS / self.step)

    @classmethod
    def around(cls, start_us: int, end_us: int, step_us: int) -> Window:
        """The window of whole steps that begins where values are said again. Raises UsageError."""
        step = step_us // 1_000_000
        if step * 1_000_000 != step_us or not 1 <= step <= KEYFRAME_SECONDS:
            raise UsageError(f"--step: write whole seconds from 1s to {KEYFRAME_SECONDS}s; beyond that Prometheus itself misses values")
        keyframe = step * math.ceil(KEYFRAME_SECONDS / step)
        window = cls(start_us // 1_000_000 // keyframe * keyframe, end_us // 1_000_000 // step * step, step)
        if window.end < window.start or start_us > end_us:
            raise UsageError("--start and --end: the end is before the start")
        points = (window.end - window.start) // step + 1
        if points > POINTS_MAX * REQUESTS_MAX:
            raise UsageError(f"--start, --end, --step: {points} moments of {POINTS_MAX * REQUESTS_MAX} at most; load it in parts")
        return window

    def parts(self) -> Iterator[tuple[int, int]]:
        """The first and last moment of each request. The first is there to compare with; it was said before."""
        first = self.start - self.step
        while first < self.end:
            last = min(first + (POINTS_MAX - 1 - STEPS_ON) * self.step, self.end)
            yield first, last
            first = last


class Prometheus:
    """A Prometheus server. What it answers is not trusted."""

    def __init__(self, url: str, session: BoundedSession | None = None) -> None:
        """`url` may hold user and password; a bearer token is read from the file that PROMETHEUS_TOKEN_FILE names.

        Raises UsageError.
        """
        try:
            from prometheus_api_client import PrometheusConnect

            from ingest.safe_http import BoundedSession, CheckedAdapter
        except ImportError:
            raise UsageError("asking Prometheus needs the package prometheus-api-client: install decision-timeline[prometheus]") from None
        address = _address(url)
        self.name = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path.rstrip('/')}"
        """Its address, without a secret."""
        session = session or BoundedSession()
        if address.username is not None or address.password is not None:
            session.auth = (unquote(address.username or ""), unquote(address.password or ""))
        if token := _token():
            session.headers["Authorization"] = f"Bearer {token}"
        self._has_secret = bool(session.auth or token)
        self._client = PrometheusConnect(self.name, session=session, timeout=session.seconds)
        session.mount(self.name, CheckedAdapter())  # the client mounts its own adapter there, which tries again and again

    def ask(self, query: str, first: int, last: int, step: int) -> list[Series]:
        """What a range query says. Raises UpstreamUnavailable, and UsageError where Prometheus cannot read the query."""
        from prometheus_api_client.exceptions import PrometheusApiClientException

        from ingest.safe_http import NoAnswer

        try:
            moments = (datetime.fromtimestamp(at, UTC) for at in (first, last))
            series = _ANSWER.validate_python(self._client.custom_query_range(query, *moments, f"{step}s"))
        except NoAnswer as error:
            raise UpstreamUnavailable(f"asking {self.name}: {error}") from None
        except PrometheusApiClientException as error:
            raise self._refusal(str(error)) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UpstreamUnavailable(f"asking {self.name}: it does not answer as Prometheus does") from None
        if len(series) > SERIES_MAX:
            raise UpstreamUnavailable(f"asking {self.name}: {len(series)} series of {SERIES_MAX} at most; ask for fewer")
        return series

    def _refusal(self, told: str) -> UpstreamUnavailable | UsageError:
        """The error for an answer with another status than 200. One who was sent a secret is not quoted: it may say it back."""
        status = told[: len("HTTP Status Code 400")]
        text = f"asking {self.name}: {status if self._has_secret else told[:400]}"
        return UsageError(f"--query: {text}") if status.endswith("400") and "bad_data" in told else UpstreamUnavailable(text)

    def rows(self, query: str, window: Window) -> Iterator[bytes]:
        """The lines of a window, in order of moments, with their ends."""
        for first, last in window.parts():
            yield from rows_of(query, self.ask(query, first, last + STEPS_ON * window.step, window.step), first, last, window)


def rows_of(query: str, series: list[Series], first: int, last: int, window: Window) -> Iterator[bytes]:
    """The lines of one answer, for the moments after `first` up to `last`; it goes on for `STEPS_ON` more."""
    known = [(one.metric, _series_id(one.metric), {round(at): value for at, value in one.values}) for one in series]
    known.sort(key=lambda each: each[1])
    watched = {at for _, _, values in known for at in values}
    digests = {name: hashlib.sha256(json.dumps([query, metric], sort_keys=True).encode()).hexdigest()[:20] for metric, name, _ in known}
    for at in range(first + window.step, last + 1, window.step):
        before = at - window.step
        for metric, name, values in known:
            value, previous = values.get(at), values.get(before)
            change = _change(value, previous)
            if change == "vanished" and not watched.issuperset(range(at, at + (STEPS_ON + 1) * window.step, window.step)):
                change = "unseen"
            elif change == "appeared" and before not in watched:
                change = "found"
            if change is None or (change == "held" and at % window.keyframe):
                continue
            labels = {label: text for label, text in metric.items() if label != "__name__"}
            row = {
                "id": f"{digests[name]}@{at}", "at": at, "previous_at": before, "change": change, "metric": metric.get("__name__"),
                "series": name, "labels": labels, "value": value, "previous": previous, "sign": _sign(value), "query": query,
            }  # fmt: skip
            yield json.dumps(row, separators=(",", ":")).encode() + b"\n"


def _change(value: str | None, previous: str | None) -> str | None:
    """What became of a series between two moments; None where there was none."""
    if value is None:
        return None if previous is None else "vanished"
    return "appeared" if previous is None else "held" if value == previous else "changed"


def _sign(value: str | None) -> str | None:
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return None if math.isnan(number) else "0" if number == 0 else "+" if number > 0 else "-"


def _series_id(metric: Mapping[str, str]) -> str:
    """A series as Prometheus writes it; one that is too long for an identity ends in its digest."""
    labels = ",".join(f"{label}={json.dumps(text, ensure_ascii=False)}" for label, text in sorted(metric.items()) if label != "__name__")
    text = metric.get("__name__", "") + "{" + labels + "}"
    if len(text) <= SERIES_CHARS_MAX:
        return text
    return f"{text[: SERIES_CHARS_MAX - 21]} {hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:20]}"


def spooled(rows: Iterator[bytes]) -> BinaryIO:
    """A file of all lines, to be closed. They are read to their end before anything is loaded: an upstream that fails leaves the
    database as it was.

    Raises UpstreamUnavailable where there are too many, StorageFailed.
    """
    with ExitStack() as kept:
        try:
            file = kept.enter_context(tempfile.TemporaryFile())
            for row in rows:
                file.write(row)
                if file.tell() > ROWS_BYTES_MAX:
                    raise UpstreamUnavailable(f"the answers have more than {ROWS_BYTES_MAX} bytes of changes; load the window in parts")
            file.seek(0)
        except OSError as error:
            raise StorageFailed(f"keeping the answers in a temporary file: {error.strerror}; TMPDIR says where it is") from None
        kept.pop_all()
        return file


def load_rows(database: Database, prometheus: Prometheus, query: str, rows: BinaryIO, *, mapping: str | None, run: str | None) -> Report:
    """Load spooled lines by a mapping file, every event once. Raises UsageError, StorageFailed."""
    return load_stream(database, f"{prometheus.name} {query}", rows, source=mapping_source(mapping or MAPPING), run=run)


def _address(url: str) -> SplitResult:
    """The parts of a URL of http or https. What is wrong with it is told without it: it may hold a password. Raises UsageError."""
    from ingest.safe_http import is_forbidden

    try:
        address = urlsplit(url)
        is_usable = bool(address.hostname) and address.port != 0 and url.isprintable() and " " not in url
    except ValueError:
        raise UsageError("--url: it is no URL; write http://HOST:PORT") from None
    if address.scheme not in {"http", "https"}:
        raise UsageError("--url: only http:// and https:// can be asked")
    if not is_usable or address.query or address.fragment:
        raise UsageError("--url: write http://HOST:PORT, or with a path, and nothing behind it")
    if is_forbidden(address.hostname or ""):
        raise UsageError("--url: that is an address where clouds keep credentials, and no Prometheus")
    return address


def _token() -> str:
    """The bearer token, if there is a file with one. Raises UsageError."""
    path = os.environ.get(TOKEN_FILE)
    if not path:
        return ""
    try:
        token = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise UsageError(f"reading the token of {TOKEN_FILE} from {path}: {why}") from None
    if not token.isprintable() or " " in token:
        raise UsageError(f"reading the token of {TOKEN_FILE} from {path}: it is not one word")
    return token
