"""Every notebook runs on a log and without one, and shows event text through the display helpers only."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from reference_cluster.demo import DEMO
from tests.house import ROOT, dotted
from tests.notebooks.conftest import load_into
from timeline.api import Timeline
from timeline.pages import board
from timeline.pages.opening import Given

PAGES = sorted(path for path in (ROOT / "notebooks").glob("*.py") if path.stem != "__init__")

SAFE = {
    "safe_answer",
    "safe_text",
    "safe_lines",
    "safe_table",
    "safe_links",
    "safe_notes",
    "charts.swim_lanes",
    "capacity_chart.pools_and_waits",
    "capacity_chart.sums",
}
"""What gives something that may be shown."""
INPUTS = {"mo.ui.slider", "mo.ui.text", "mo.ui.text_area", "mo.ui.file", "mo.ui.run_button"}
MAKERS = {*INPUTS, "safe_choice", "safe_chart", "safe_dropdown", "safe_multiselect"}
"""What makes something that a person may change, and that may be shown by its name."""
NAMED = ("_choice", "_filter", "_slider", "_chart", "_button")
"""How the names of these end."""
STACKS = {"mo.hstack", "mo.vstack"}
OF_MARIMO = {*INPUTS, *STACKS, "mo.status.spinner", "mo.md", "mo.stop", "mo.cli_args", "mo.query_params", "mo.app_meta"}
"""All of marimo that a notebook may call. What is not here may take a text for markup."""


# ---- the rule of display (docs: timeline/pages/display.py)


def unsafe(page: ast.Module) -> Iterator[str]:
    """Where a notebook might show event text as something else than text."""
    for node in ast.walk(page):
        if isinstance(node, ast.Assign | ast.AnnAssign) and _target(node).endswith(NAMED) and not _calls(node.value) & MAKERS:
            yield f"{node.lineno}: a name that ends so is of what {sorted(MAKERS)} make"
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name.startswith("mo.") and name not in OF_MARIMO:
                yield f"{node.lineno}: {name} is not among {sorted(OF_MARIMO)}"
            if name == "mo.md" and not all(isinstance(argument, ast.Constant) for argument in node.args):
                yield f"{node.lineno}: mo.md takes a literal text; event text goes through safe_text"
            if name == "mo.stop" and not all(map(_is_shown_safely, node.args[1:])):
                yield f"{node.lineno}: mo.stop shows something that is not in {sorted(SAFE)}"
            if name in {*MAKERS, "mo.status.spinner"} and not all(map(_is_fixed_label, node.keywords)):
                yield f"{node.lineno}: a label is a literal text"
            if name == "safe_chart" and not dotted(getattr(node.args[0], "func", node)).startswith("charts."):
                yield f"{node.lineno}: a chart is made by timeline.pages.charts"
        if isinstance(node, ast.FunctionDef) and any("app.cell" in ast.unparse(mark) for mark in node.decorator_list):
            last = next((statement for statement in reversed(node.body) if not isinstance(statement, ast.Return)), None)
            assigned = [one for one in node.body if isinstance(one, ast.Assign | ast.AnnAssign)]
            chosen = {_target(one) for one in assigned if _calls(one.value) & MAKERS}
            if isinstance(last, ast.Expr) and not _is_shown_safely(last.value, chosen):
                yield f"{last.lineno}: a cell shows {ast.unparse(last.value)[:60]}: show it by {sorted(SAFE)}"


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)


def _calls(node: ast.expr | None) -> set[str]:
    return {dotted(node.func)} if isinstance(node, ast.Call) else set()


def _is_shown_safely(node: ast.expr, chosen: AbstractSet[str] = frozenset()) -> bool:
    match node:
        case ast.Call(func=func) if dotted(func) in {*SAFE, "mo.md", "mo.stop"}:
            return True
        case ast.Call(func=func, args=[ast.List(elts=parts), *_]) if dotted(func) in STACKS:
            return all(_is_shown_safely(part, chosen) for part in parts)
        case ast.IfExp(body=body, orelse=other):
            is_nothing = isinstance(other, ast.Constant) and other.value is None
            return _is_shown_safely(body, chosen) and (is_nothing or _is_shown_safely(other, chosen))
        case ast.Name(id=name):
            return name in chosen or name.endswith(NAMED)
    return False


def _is_fixed_label(keyword: ast.keyword) -> bool:
    return keyword.arg not in {"label", "title"} or isinstance(keyword.value, ast.Constant)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_s11_a_notebook_shows_event_text_as_text_only(page: Path):
    assert list(unsafe(ast.parse(page.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "shown",
    [
        "log.finding('x').model_dump()",
        "{'says': finding.says}",
        "[finding.says]",
        "finding.says",
        "mo.md(f'**{finding.says}**')",
        "mo.Html(finding.says)",
        "mo.as_html(finding)",
        "mo.ui.table([finding.says])",
        "mo.tree([finding.says])",
        "mo.accordion({finding.says: 1})",
        "mo.vstack([safe_text('x'), finding.says])",
        "mo.stop(True, finding.says)",
        "mo.ui.dropdown({one.says: one for one in findings})",
        "mo.ui.dropdown({safe_label(one): one for one in findings}, label=finding.says)",
        "mo.ui.multiselect(sorted({one.says for one in findings}))",
        "safe_text('x') if findings else finding.says",
        "mo.ui.dropdown(findings)",
        "mo.ui.text(label=finding.says)",
        "safe_chart(finding.says)",
        "a_chart = finding.says",
        "safe_choice(headings, rows, label=finding.says)",
        "safe_dropdown(findings, label=finding.says)",
        "a_choice: object = finding.says",
    ],
)
def test_s11_the_rule_sees_text_that_is_shown_raw(shown: str):
    assert list(unsafe(ast.parse(f"@app.cell\ndef _(finding):\n    {shown}\n    return\n")))


# ---- they run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_marimo_finds_nothing_to_say_about_a_notebook(page: Path):
    checked = subprocess.run([sys.executable, "-m", "marimo", "check", "--strict", str(page)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_as_a_script_it_prints_the_answer(leaking: Path):
    """`python notebooks/what_leaked.py --db X` says what leaks and what it costs."""
    command = [sys.executable, str(ROOT / "notebooks" / "what_leaked.py"), "--db", str(leaking)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    with Timeline.open(leaking) as log:
        assert ran.stdout.strip() == board.answer(log.detect())


def outputs(page: str, database: Path) -> str:
    """What the cells of a notebook show of a database, as one text."""
    shown, _ = importlib.import_module(f"notebooks.{page}").app.run(defs={"given": Given(str(database))})
    return "\n".join(getattr(output, "text", str(output)) for output in shown if output is not None)


def test_it_answers_first_and_shows_evidence_and_the_command_that_replays(leaking: Path):
    page = outputs("what_leaked", leaking)
    assert page.index("findings last to the end of the log") < page.index("nobody held the lease janitor")
    assert "lease.lost" in page
    assert "timeline replay" in page


def test_without_a_database_it_says_how_to_make_one(tmp_path: Path):
    assert "timeline ingest" in outputs("what_leaked", tmp_path / "none.duckdb")


def test_without_an_event_it_says_how_to_load_some(tmp_path: Path):
    assert "holds no event yet" in outputs("what_leaked", load_into(tmp_path / "empty.duckdb", []))


def test_where_nothing_leaks_it_says_so_and_still_shows_who_led(tmp_path: Path):
    page = outputs("what_leaked", load_into(tmp_path / "fixed.duckdb", DEMO.record(is_fixed=True).lines))
    assert "Nothing is found" in page
    assert "who led" in page


def test_a_log_of_something_else_has_a_page_too(tmp_path: Path):
    """Neither leader nor worker: no chart, no error, and where to look instead."""
    event = {
        "event_id": "e",
        "run_id": "r",
        "time": "2026-01-01T00:00:00Z",
        "actor": "a/b",
        "kind": "x.done",
        "subject": {"kind": "x", "id": "1"},
    }
    page = outputs("what_leaked", load_into(tmp_path / "other.duckdb", [json.dumps(event).encode()]))
    assert "timeline objects" in page


def test_two_pages_may_look_at_one_database_at_once(leaking: Path):
    """A page that is opened again is a second reader in the same process."""
    with Timeline.open(leaking) as one, Timeline.open(leaking) as two:
        assert one.runs().equals(two.runs())
