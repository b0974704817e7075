"""Work is spread over processes, and comes back whole."""

from __future__ import annotations

from reference_cluster.scenario import duration_us
from reference_cluster.sweeps.fleet import spread

PIECES = ["1s", "2s", "3s", "1m", "250ms"]


def test_every_piece_comes_back_once_with_its_answer():
    """Two processes give what one gives, in some order."""
    assert sorted(spread(duration_us, PIECES, workers=2)) == sorted(spread(duration_us, PIECES, workers=1))
    assert list(spread(duration_us, PIECES, workers=1)) == [(piece, duration_us(piece)) for piece in PIECES]


def test_nothing_is_begun_once_the_budget_is_spent():
    """A budget of nothing does nothing."""
    assert list(spread(duration_us, PIECES, workers=1, budget_seconds=0.0)) == []
