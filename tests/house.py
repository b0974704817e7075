"""The rules of the house, each with the complaint that names its way out. `tests/test_house.py` applies them.

A rule over Python takes a module's path and tree and yields (line, complaint). What is allowed in spite of a rule stands
in a table beside it, with its reason. After TigerBeetle's tidy: style is a test, not a review comment.
"""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("ingest/", "timeline/", "reference_cluster/", "notebooks/")
Complaint = tuple[int, str]
Rule = Callable[[str, ast.Module], Iterator[Complaint]]

PYTHON_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
SQL_LINES_MAX = 80
COLUMNS_MAX = 140

BANNED_STEMS = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "shared", "lib", "base_utils", "types"}

BANNED_WORDS = {
    "TO" + "DO": "do it, or file an issue and leave the code whole",
    "FIX" + "ME": "fix it, or file an issue and leave the code whole",
    "XX" + "X": "say what is meant",
    "HA" + "CK": "say why the code is as it is",
    "NotImplemented" + "Error": "a part that does not exist yet has no code; a closed set of cases ends in an assertion",
    "breakpoint" + "()": "a debugger is no part of the product",
}

UNSAFE_CALLS = {
    "eval": "data is never code",
    "exec": "data is never code",
    "os.system": "start programs with a list of arguments: subprocess.run([...])",
    "os.popen": "start programs with a list of arguments: subprocess.run([...])",
    "yaml.load": "use yaml.safe_load",
    "tempfile.mktemp": "use tempfile.mkstemp",
}
UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}

CLOCKS = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns", "time.sleep",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now", "datetime.datetime.utcnow",
    "uuid.uuid1", "uuid.uuid4", "os.urandom",
}  # fmt: skip
SEEDED = {"random.Random"}
CLOCK_AND_CHANCE_ALLOWED: dict[str, str] = {
    "ingest/load.py": "tells how long a load took; the figure decides nothing",
    "timeline/watch.py": "waits between two turns of --watch; what each turn prints does not depend on it",
    "timeline/commands/ingest.py": "hands the clock of the machine to follow mode; no content depends on it",
    "ingest/emit/emitter.py": "stamps what a control plane emits with its own clock, and mints its incarnation",
    "ingest/database.py": "waits for another process's lock, with a deadline",
    "reference_cluster/sweeps/fleet.py": "keeps a budget and tells how long a detector took; no run and no verdict depends on it",
    "timeline/alerting/backtest_prometheus.py": "waits for a Prometheus to start, with a deadline; no figure depends on it",
    "timeline/server/run.py": "draws the token without which nobody gets in",
    "timeline/server/writer.py": "rests between commits, and hands the clock of the machine to follow mode; no content depends on it",
    "timeline/server/refresher.py": "rests between refreshes, and tells when the gauges were measured",
}
"""Files that may look at a clock or draw chance, each with its reason."""

SQL_START = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|COPY|ATTACH|DETACH|COMMENT ON|WITH|PRAGMA|SET|EXPLAIN|DESCRIBE|SUMMARIZE|FROM)\b"
)
SQL_RUNNERS = {"execute", "executemany", "sql", "query"}
SQL_BUILDERS: dict[str, str] = {
    "ingest/batch.py": "tables, columns and kinds of our vocabulary; what a line says is data in a table",
    "ingest/judging.py": "columns of our vocabulary and the query of a source; what a line says is data in a table",
    "ingest/schema.py": "names, types and comments come from the event classes; nothing comes from a log",
    "ingest/migrate.py": "names of tables and columns, and the path of the old database: DuckDB binds no value in ATTACH",
    "ingest/mapping_sql.py": "columns and parameters that it numbers itself; every text of a mapping file is bound",
    "ingest/in_memory.py": "the path of a temporary file of its own: DuckDB binds no value in ATTACH",
    "timeline/findings.py": "names of our own tables, from the headers of the detectors; the run is bound",
    "timeline/catalog.py": "names of the family tables of our schema; the run is bound",
    "timeline/state.py": "names of our own models and of their columns",
    "timeline/drawn/stretches.py": "names of our own models and of their columns; objects are bound",
    "timeline/drawn/lanes.py": "the statements of timeline.drawn.stretches and timeline.drawn.led; what they ask about is bound",
    "timeline/refresh.py": "names of our own tables and models; runs are bound",
    "timeline/gauges/__init__.py": "names of its own temporary tables",
    "timeline/why.py": "names of our own models",
}
"""Files that put identifiers into SQL text, each with where its identifiers come from. Values are bound everywhere."""


@functools.cache
def files(*suffixes: str) -> tuple[str, ...]:
    """Paths of the tree, from its root: what is committed, and what would be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    return tuple(sorted(path for path in listed if path.endswith(suffixes) and (ROOT / path).is_file()))


@functools.cache
def text(path: str) -> str:
    """The text of a file of the tree."""
    return (ROOT / path).read_text(encoding="utf-8")


@functools.cache
def tree(path: str) -> ast.Module:
    """A Python file of the tree, parsed."""
    return ast.parse(text(path), path)


def dotted(node: ast.expr) -> str:
    """A name with its dots: `datetime.now`; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value)}.{name}" if dotted(value) else ""
    return ""


def imported(module: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported, those inside functions too."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def calls(module: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every call."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and (name := dotted(node.func)):
            yield node.lineno, name


def long_functions(_path: str, module: ast.Module) -> Iterator[Complaint]:
    """A function fits on one screen."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {length} lines of {FUNCTION_LINES_MAX}: take a step out of it and name the step"


def unordered_answers(_path: str, module: ast.Module) -> Iterator[Complaint]:
    """What is read has the order that was asked for. `sql()` with parameters keeps its answer in a table, which has none."""
    out = "use .execute(query, values), with .pl() for a frame"
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and dotted(node.func).endswith(".sql") and any(given.arg == "params" for given in node.keywords):
            yield node.lineno, f".sql() with params loses the order of a large answer: {out}"


def unsafe_code(_path: str, module: ast.Module) -> Iterator[Complaint]:
    """Data is never code."""
    for line, name in calls(module):
        if name in UNSAFE_CALLS:
            yield line, f"{name}(): {UNSAFE_CALLS[name]}"
    for line, name in imported(module):
        if name.partition(".")[0] in UNSAFE_MODULES:
            yield line, f"import {name}: loading such a file runs it; write JSON"
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "shell" and getattr(node.value, "value", None) is True:
            yield node.value.lineno, "shell=True: give the program and its arguments as a list"


def clock_and_chance(path: str, module: ast.Module) -> Iterator[Complaint]:
    """Nothing that decides or prints looks at the machine's clock or draws its own chance."""
    if path in CLOCK_AND_CHANCE_ALLOWED:
        return
    out = "take it as an argument or as an effect, or add the file with a reason to CLOCK_AND_CHANCE_ALLOWED in tests/house.py"
    for line, name in calls(module):
        if name in CLOCKS:
            yield line, f"{name}(): {out}"
        if name.startswith("random.") and name not in SEEDED:
            yield line, f"{name}() draws from a generator that everybody shares: random.Random(seed), or the effect Random"
    for line, name in imported(module):
        if name == "secrets" or (name.startswith("random.") and name not in SEEDED):
            yield line, f"import {name}: {out}"


def built_sql(path: str, module: ast.Module) -> Iterator[Complaint]:
    """SQL is a literal with bound values. Identifiers of our schema enter through `identifier()` or a CONSTANT."""
    if path in SQL_BUILDERS:
        return
    out = "bind values ($name); a name of our schema goes in by identifier(), or name the file with a reason in house.SQL_BUILDERS"
    found: dict[int, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr | ast.BinOp) and SQL_START.match(_head(node)) and not _safe(node):
            found[node.lineno] = f"SQL text with something put into it: {out}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SQL_RUNNERS:
            for argument in node.args[:1]:
                if not _safe(argument):
                    found.setdefault(argument.lineno, f".{node.func.attr}() gets text with something put into it: {out}")
    yield from sorted(found.items())


def _head(node: ast.expr) -> str:
    return next((part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)), "")


def _safe(node: ast.expr) -> bool:
    return all(map(_is_identifier, _insertions(node)))


def _insertions(node: ast.expr) -> list[ast.expr]:
    """What is put into a string by f-string, +, % or format()."""
    match node:
        case ast.JoinedStr(values=values):
            return [value.value for value in values if isinstance(value, ast.FormattedValue)]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [*_operand(left), *_operand(right)]
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str()), right=right):
            return [right]
        case ast.Call(func=ast.Attribute(attr="format")):
            return [node]
    return []


def _operand(node: ast.expr) -> list[ast.expr]:
    return _insertions(node) if isinstance(node, ast.Constant | ast.BinOp | ast.JoinedStr) else [node]


def _is_identifier(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=func):
            return dotted(func).rpartition(".")[2] == "identifier"
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper()
    return False


SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|fmt:\s*(off|on))")
EXPLAINED = re.compile(r"#\s*(noqa: [A-Z0-9, ]+|type: ignore\[[a-z0-9, -]+\])\s+(#\s*|— |- )?\w+")


def bare_suppressions(path: str) -> Iterator[Complaint]:
    """A warning that is switched off names the warning and says why, on the same line."""
    for number, line in enumerate(text(path).splitlines(), 1):
        if SUPPRESSION.search(line) and not EXPLAINED.search(line):
            yield number, "a suppression names its rule and its reason: `# noqa: S324  not for secrets`"
