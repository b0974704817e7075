"""Databases that another process serves: `--db http://127.0.0.1:2718` reads one as if its file were here.

The server sends a copy of the database as it was at its last refresh, and everything else happens in the process that asked:
no query, no path and no option of a reader ever gets into the process that writes.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ingest.database import Database, open_for_read
from ingest.errors import StorageFailed, UpstreamUnavailable, UsageError

TIMEOUT_SECONDS = 60.0
CONNECTIONS: dict[str, Callable[..., http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}
PATH = "/database"
_SECONDS = re.compile("[0-9]{1,9}")


def address_of(path: Path) -> str | None:
    """The address that was given in place of a path; None where it is a path. As a path it has lost one of its slashes."""
    scheme, colon, rest = str(path).partition(":/")
    return f"{scheme}://{rest.lstrip('/')}" if colon and scheme in CONNECTIONS else None


def open_remote(address: str, tell: Callable[[str], None]) -> Database:
    """The database that is served at an address, read-only; `tell` hears how old it is.

    Raises UpstreamUnavailable, UsageError, StorageFailed, DatabaseUnusable.
    """
    with tempfile.TemporaryDirectory(prefix="decision-timeline-") as folder:
        copy = Path(folder) / "served.duckdb"
        tell(f"{address}: as it was last refreshed, {_fetch(address, copy)} s ago")
        return open_for_read(copy)  # the open file stays when its name is gone


def token() -> str:
    """The token of the server: TIMELINE_TOKEN, or what the file TIMELINE_TOKEN_FILE holds. Raises UsageError."""
    path = os.environ.get("TIMELINE_TOKEN_FILE")
    if path is None:
        return os.environ.get("TIMELINE_TOKEN", "")
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        raise UsageError(f"reading the token in TIMELINE_TOKEN_FILE={path}: it cannot be read as a line of plain text") from None


def _fetch(address: str, copy: Path) -> str:
    """Bring the copy here, and say how many seconds ago the server had refreshed it."""
    url = _split(address)
    connection = CONNECTIONS[url.scheme](url.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", PATH, headers={"Authorization": f"Bearer {token()}"})
        answer = connection.getresponse()
        age = answer.getheader("Age", "")
        if answer.status != 200 or not _SECONDS.fullmatch(age):
            raise _refusal(address, answer)
        with copy.open("wb") as file:
            shutil.copyfileobj(answer, file, 1024 * 1024)
        if answer.length:
            raise UpstreamUnavailable(f"reading {address}: the answer broke off; try again")
        return age
    except http.client.HTTPException as error:
        raise UpstreamUnavailable(f"reading {address}: what answers there is no timeline serve ({type(error).__name__})") from None
    except OSError as error:
        if copy.exists() and not isinstance(error, ConnectionError | TimeoutError):
            raise StorageFailed(f"keeping a copy of {address} in {copy.parent}: {error.strerror or error}; make room there") from None
        raise UpstreamUnavailable(f"reading {address}: {error.strerror or error}; is `timeline serve` running there?") from None
    finally:
        connection.close()


def _split(address: str) -> SplitResult:
    try:
        url = urlsplit(address)
        is_fit = bool(url.hostname and url.port) and url.username is None and url.path in {"", "/"} and not url.query
    except ValueError:
        is_fit = False
    if not is_fit:  # it is not said again, because it may hold a token
        raise UsageError("reading --db: write the address of a timeline serve as http://HOST:PORT; its token goes into TIMELINE_TOKEN")
    return url


def _refusal(address: str, answer: http.client.HTTPResponse) -> UsageError | UpstreamUnavailable:
    if answer.status in {401, 403}:
        return UsageError(f"reading {address}: it asks for its token; give it in TIMELINE_TOKEN, or its file in TIMELINE_TOKEN_FILE")
    if answer.status == 503:
        return UpstreamUnavailable(f"reading {address}: it cannot give a copy of its database now; its own messages say why")
    return UpstreamUnavailable(f"reading {address}: no timeline serve answers there (status {answer.status})")
