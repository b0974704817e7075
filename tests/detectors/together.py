"""The stories of a file in one database, each as a run of its own: a database for each takes ten times the time.

A story is known when its test tells it. So each test of the file is begun before the first of them runs, as far as its story
(`conftest.py`); all these stories are judged together, and the test that tells one of them later is given its run. A model never
looks across runs, so it sees what it would see alone. Any other story has a database of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import duckdb
import pytest

from ingest.events import Event
from tests.story import database, tell


@dataclass(frozen=True)
class Told:
    """A story and where it stands: a run of a database."""

    connection: duckdb.DuckDBPyConnection
    run_id: str = "run"


class Heard(BaseException):
    """Ends a test that was only begun to hear its story."""

    def __init__(self, story: str) -> None:
        self.story = story


_known: dict[str, Told] = {}
_is_listening = False


def told(story: str) -> Told:
    """The story where the file has it, else in a database of its own, with fresh models."""
    if _is_listening:
        raise Heard(story)
    return _known[story] if story in _known else Told(database(tell(story)))


@contextmanager
def judged_together(tests: Iterable[pytest.Function]) -> Iterator[None]:
    """Inside the `with`, `told` knows the first story of each of these tests."""
    heard = [story for story in map(_first_story, tests) if story is not None]
    runs = {story: f"story {number}" for number, story in enumerate(dict.fromkeys(heard))}
    connection = database(event for story, run_id in runs.items() for event in _as_run(story, run_id))
    _known.update((story, Told(connection, run_id)) for story, run_id in runs.items())
    try:
        yield
    finally:
        _known.clear()
        connection.close()


def _first_story(test: pytest.Function) -> str | None:
    """None where a test tells none, or needs more to begin than its parameters; what else is wrong with it, it says when it runs."""
    global _is_listening  # noqa: PLW0603  one test is begun at a time
    given = test.callspec.params if hasattr(test, "callspec") else {}
    if not given.keys() >= set(test.fixturenames) - {"stories", "request"}:
        return None
    _is_listening = True
    with suppress(Exception, pytest.fail.Exception, pytest.skip.Exception):
        try:
            test.obj(**given)
        except Heard as heard:
            return heard.story
        finally:
            _is_listening = False
    return None


def _as_run(story: str, run_id: str) -> list[Event]:
    return [event.model_copy(update={"run_id": run_id}) for event in tell(story)]
