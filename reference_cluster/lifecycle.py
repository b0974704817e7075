"""States move only through literal transition tables.

`Lifecycle.target` is the only code that decides a next state; an undefined move is an assertion of ours, with the
subject, the state, the move and the moves that the state allows. Diagrams in the docs are drawn from the tables.
"""

from __future__ import annotations

from collections.abc import Mapping


class UndefinedMove(AssertionError):
    """A program asked for a move that its life-cycle table does not have."""


class Lifecycle:
    """A transition table: state, then move, then next state. States without moves are terminal."""

    def __init__(self, name: str, table: Mapping[str, Mapping[str, str]]) -> None:
        self.name = name
        self.table = {state: dict(moves) for state, moves in table.items()}
        unknown = {to for moves in table.values() for to in moves.values()} - set(table)
        if unknown:
            raise UndefinedMove(f"{name}: states {sorted(unknown)} are reached but have no row of their own")

    def target(self, subject: str, state: str, move: str) -> str:
        """The state that `move` leads to."""
        moves = self.table.get(state, {})
        if move not in moves:
            raise UndefinedMove(f"{self.name} {subject}: no move {move!r} from {state!r}; it allows {sorted(moves) or 'nothing'}")
        return moves[move]

    def allows(self, state: str, move: str) -> bool:
        """Whether the state has that move."""
        return move in self.table.get(state, {})

    def terminal(self) -> frozenset[str]:
        """The states that nothing leaves."""
        return frozenset(state for state, moves in self.table.items() if not moves)
