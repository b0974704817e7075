"""The page of faults: what can go wrong with an ingest, what happens then, and the tests that hold it. `python -m tests.faults` writes it.

The rows are those of the fault matrix, in tests/faults.toml. A test says which rows it proves with the marker `fault`; the file
names those that prove a row beside something else, and says why a row has none.
"""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "faults.md"
GROUPS = {
    "A": ("Crashes and resources", 17),
    "B": ("Files, follow mode, rotation", 19),
    "C": ("Bytes and JSON", 27),
    "D": ("Meaning and order", 14),
    "E": ("Database, locks, versions", 14),
}
"""Title and number of rows of each group of the matrix."""
HEAD = """# Faults

<!-- made by `make docs` from tests/faults.toml and the tests; change it there -->

What can go wrong while logs are read and a database is written, what happens then, and the test that holds it. "Restored" means:
after the cause is gone the same command ends in every event once. A row without a test says why, or what is not promised.
Long sweeps (every system call, 5,000 sequences, 1,000,000 lines) are in `make sweep`; `make test` takes a part of each.
"""


class Row(NamedTuple):
    """A row of the matrix."""

    name: str
    fault: str
    expected: str
    note: str
    tests: tuple[str, ...]
    """`path::name` of each test that proves it."""


def test_functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every test of the tree: its path and name, its definition."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path.relative_to(ROOT).as_posix()}::{node.name}", node


def marked() -> dict[str, list[str]]:
    """The tests that say of themselves which rows they prove."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, function in test_functions():
        for mark in function.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                for row in mark.args:
                    found[ast.literal_eval(row)].append(name)
    return found


def rows() -> list[Row]:
    """Every row, in the order of the file."""
    told = tomllib.loads((ROOT / "tests" / "faults.toml").read_text(encoding="utf-8"))
    by_mark = marked()
    return [
        Row(name, row["fault"], row["expected"], row.get("note", ""), (*by_mark.pop(name, []), *row.get("tests", [])))
        for name, row in told.items()
    ]


def page() -> str:
    """The page as text."""
    lines = [HEAD]
    every = rows()
    for group, (title, _) in GROUPS.items():
        lines += [f"## {group}. {title}", "", "| | Fault | What happens | Held by |", "|---|---|---|---|"]
        for row in every:
            if row.name.startswith(group):
                held = "<br>".join([*(f"`{test}`" for test in row.tests), *filter(None, [row.note])])
                lines.append(f"| {row.name} | {row.fault} | {row.expected} | {held} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
