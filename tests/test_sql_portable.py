"""Every .sql of the analysis keeps to the portable subset, so that the same text runs on other engines.

The subset was found by running 60 queries on seven engines (docs/decisions); each rule names what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

TIMELINE = Path(__file__).parents[1] / "timeline"
FILES = sorted(TIMELINE.rglob("*.sql"))

PORTABLE = {
    "Abs", "And", "ArgMax", "ArgMin", "Array", "Case", "Cast", "Ceil", "Coalesce", "Concat", "Count", "Exists", "FirstValue", "Floor",
    "Greatest", "If", "Lag", "LastValue", "Lead", "Least", "Max", "Median", "Min", "Nullif", "Or", "RowNumber", "Sum",
}  # fmt: skip
"""The functions that queries may use, by SQLGlot's names. A new one is added when it has run on another engine."""

ADVICE = {
    "ArrayAgg": "its order is lost elsewhere; give a literal list of min_by and max_by",
    "GroupConcat": "its order is lost elsewhere; give a literal list of min_by and max_by",
    "AnyValue": "which one is chance; use min, or min_by with position",
    "First": "which one is chance; use min, or min_by with position",
    "Last": "which one is chance; use max, or max_by with position",
    "Explode": "read event_object or event_cause, which have a row for each",
    "Unnest": "read event_object or event_cause, which have a row for each",
    "JSONExtract": "give the event class a field, so that it is a column",
    "CurrentTimestamp": "the horizon is log_bounds.end_us",
    "Rand": "a query gives the same answer twice",
}

UNIQUE = ("position", "event_id", "evidence")
"""How the names of columns end that no two events share. Not event_no: it follows the order of loading."""
TIE_BREAK = "order by position, or lastly by an event_id, as in (at_us, event_id)"


class Rule(NamedTuple):
    """A kind of node that is not portable, where `is_bad` holds for it."""

    node: type[exp.Expression]
    instead: str
    is_bad: Callable[[exp.Expression], bool] = lambda node: True


RULES = [
    Rule(exp.Interval, "keep times as BIGINT microseconds and add integers"),
    Rule(exp.Join, "union both sides and use last_value(… IGNORE NULLS)", lambda node: node.args.get("method") in {"ASOF", "POSITIONAL"}),
    Rule(exp.IgnoreNulls, "use last_value(… IGNORE NULLS) with a frame", lambda node: isinstance(node.this, exp.Lag | exp.Lead)),
    Rule(exp.Lateral, "join the rows"),
    Rule(exp.IntDiv, "use CAST(floor(a / b) AS BIGINT)"),
    Rule(exp.Values, "select the rows and union them"),
    Rule(exp.Dot, "use columns"),
    Rule(exp.Lambda, "use columns"),
    Rule(exp.SetOperation, "put the columns in one order", lambda node: bool(node.args.get("by_name"))),
    Rule(exp.With, "bound the depth and join as often", lambda node: bool(node.args.get("recursive"))),
    Rule(exp.Distinct, "use QUALIFY row_number() = 1", lambda node: node.args.get("on") is not None),
    Rule(exp.TableSample, "use WHERE"),
    Rule(exp.Pivot, "use FILTER"),
    Rule(exp.Group, "name the columns", lambda node: bool(node.args.get("all"))),
    Rule(exp.Order, "name the column", lambda node: any(isinstance(term.this, exp.Literal) for term in node.expressions)),
    Rule(exp.Window, "give the window a total order", lambda node: not _ordered(node)),
    Rule(exp.Window, f"rows of one moment have no order in it: {TIE_BREAK}", lambda node: _tells_rows_apart(node) and not _is_total(node)),
    Rule(exp.ArgMin, f"any of the rows of one moment may be it: {TIE_BREAK}", lambda node: not _is_unique(_keys(node.expression))),
    Rule(exp.ArgMax, f"any of the rows of one moment may be it: {TIE_BREAK}", lambda node: not _is_unique(_keys(node.expression))),
    Rule(exp.Order, f"{TIE_BREAK}, or by evidence", lambda node: isinstance(node.parent, exp.Select) and not _is_unique(_keys(node))),
    Rule(exp.Table, "what accuses must be in the decision events", lambda node: node.name in {"recording", "effect"}),
]


def _ordered(window: exp.Expression) -> bool:
    """Whether a window has an order, needs none, or is defined elsewhere by name."""
    needs_none = isinstance(window.this, exp.Max | exp.Min | exp.Sum | exp.Count)
    return needs_none or window.args.get("order") is not None or window.args.get("alias") is not None


def _tells_rows_apart(window: exp.Expression) -> bool:
    """Whether rows that are equal in the order of a window get different answers: by its function, or by a frame of ROWS."""
    called = window.this.this if isinstance(window.this, exp.IgnoreNulls) else window.this
    frames = [part.args.get("spec") for part in _parts(window)]
    is_by_row = isinstance(called, exp.Lag | exp.Lead | exp.FirstValue | exp.LastValue | exp.RowNumber)
    return is_by_row or any(frame is not None and frame.args["kind"].upper() == "ROWS" for frame in frames)


def _is_total(window: exp.Expression) -> bool:
    """Whether no two rows are equal in the order of a window."""
    return any(_is_unique(_keys(order)) for part in _parts(window) if (order := part.args.get("order")) is not None)


def _parts(window: exp.Expression) -> list[exp.Expression]:
    """A window, and the one of the WINDOW clause that it goes by."""
    name, select = window.args.get("alias"), window.find_ancestor(exp.Select)
    named = select.args.get("windows") or [] if select is not None and name is not None else []
    return [window, *(one for one in named if one.this == name)]


def _keys(order: exp.Expression) -> list[exp.Expression]:
    """What an ORDER BY, or the second argument of min_by and max_by, orders by."""
    if isinstance(order, exp.Order):
        return [term.this for term in order.expressions]
    return list(order.expressions) if isinstance(order, exp.Tuple) else [order]


def _is_unique(keys: list[exp.Expression]) -> bool:
    """Whether keys end in what only one event has, and none of them is the order of loading."""
    names = [key.name if isinstance(key, exp.Column) else "" for key in keys]
    return names[-1].endswith(UNIQUE) and "event_no" not in names


def complaints(sql: str) -> Iterator[str]:
    """What is not portable in a statement, and what to write instead."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for rule in RULES:
        yield from (f"{node.sql('duckdb')[:60]}: {rule.instead}" for node in tree.find_all(rule.node) if rule.is_bad(node))
    for call in tree.find_all(exp.Func):
        name = type(call).__name__
        if name not in PORTABLE:
            yield f"{call.sql('duckdb')[:60]}: {ADVICE.get(name, f'{name} is none of the functions that are the same everywhere')}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TIMELINE).as_posix())
def test_a_query_of_the_analysis_runs_on_other_engines(path: Path):
    """No node of the tree is outside the subset, and SQLGlot can say all of it in Spark's words."""
    sql = path.read_text(encoding="utf-8")
    found = [f"{path.relative_to(TIMELINE.parent)}: {complaint}" for complaint in complaints(sql)]
    assert not found, "\n" + "\n".join(found)
    sqlglot.transpile(sql, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ts + INTERVAL 5 SECOND FROM event",
        "SELECT now() FROM event",
        "SELECT random() FROM event",
        "SELECT 1 FROM a ASOF JOIN b USING (ts_us)",
        "SELECT lag(x IGNORE NULLS) OVER (ORDER BY ts_us) FROM event",
        "SELECT unnest(refs) FROM event",
        "SELECT list(event_id ORDER BY ts_us) FROM event",
        "SELECT string_agg(event_id, ',') FROM event",
        "SELECT ts_us // 60 FROM event",
        "SELECT x FROM (VALUES (1), (2)) AS v(x)",
        "SELECT data ->> 'org' FROM event",
        "SELECT json_extract(data, '$.org') FROM event",
        "SELECT {'a': 1} AS s",
        "SELECT list_filter(l, x -> x > 1) FROM event",
        "SELECT 1 AS a UNION ALL BY NAME SELECT 2 AS a",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        "SELECT DISTINCT ON (run_id) run_id FROM event",
        "SELECT run_id, count(*) FROM event GROUP BY ALL",
        "SELECT run_id FROM event ORDER BY 1",
        "SELECT row_number() OVER (PARTITION BY run_id) FROM event",
        "SELECT epoch_ms(ts) FROM event",
        "SELECT hash(event_id) FROM event",
        "SELECT digest FROM effect",
    ],
)
def test_the_lint_sees_what_is_not_portable(sql: str):
    assert list(complaints(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT max_by(end_event_id, until_us) FROM event",
        "SELECT min_by(kind, event_no) FROM event",
        "SELECT min_by(kind, (event_no, event_id)) FROM event",
        "SELECT min_by(kind, (event_id, at_us)) FROM event",
        "SELECT lag(at_us) OVER (PARTITION BY run_id ORDER BY at_us) FROM event",
        "SELECT lead(at_us) OVER life FROM event WINDOW life AS (PARTITION BY run_id ORDER BY event_no)",
        "SELECT last_value(kind IGNORE NULLS) OVER (life ROWS UNBOUNDED PRECEDING) FROM event WINDOW life AS (ORDER BY at_us)",
        "SELECT sum(delta) OVER (ORDER BY at_us ROWS UNBOUNDED PRECEDING) FROM event",
        "SELECT run_id FROM event QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY at_us DESC) = 1",
        "SELECT run_id, at_us FROM event ORDER BY run_id, at_us",
        "SELECT any_value(kind) FROM event",
        "SELECT first(kind) FROM event",
        "SELECT arbitrary(kind) FROM event",
    ],
)
def test_the_lint_sees_what_depends_on_the_order_of_loading(sql: str):
    """Events of one commit have one time; which of them comes first must not be chance."""
    assert list(complaints(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT max_by(end_event_id, t.position) FILTER (WHERE is_end) FROM event_time AS t",
        "SELECT max_by(end_event_id, (until_us, end_event_id)) FROM event",
        "SELECT lag(at_us) OVER (PARTITION BY run_id ORDER BY at_us, event_id DESC) FROM event",
        "SELECT last_value(kind IGNORE NULLS) OVER (life ROWS UNBOUNDED PRECEDING) FROM event WINDOW life AS (ORDER BY position)",
        "SELECT sum(delta) OVER (PARTITION BY run_id ORDER BY at_us) FROM event",
        "SELECT run_id FROM event QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY at_us, other_event_id) = 1",
        "SELECT run_id, at_us, [event_id] AS evidence FROM event ORDER BY run_id, at_us, evidence",
    ],
)
def test_the_lint_lets_a_total_order_be(sql: str):
    assert list(complaints(sql)) == []
