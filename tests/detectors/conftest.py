"""Judges the stories of a file together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.detectors.together import judged_together


@pytest.fixture(scope="module", autouse=True)
def stories(request: pytest.FixtureRequest) -> Iterator[None]:
    """The stories of a file, judged before its first test runs."""
    tests = [test for test in request.session.items if test.path == request.path and isinstance(test, pytest.Function)]
    with judged_together(tests):
        yield
