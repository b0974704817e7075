"""The house keeps its own rules: sizes, names, floors, safe code, honest suppressions, no dead files.

Each failure names the file, the line and the way out. The rules are in `tests/house.py`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable
from textwrap import dedent

import pytest

from tests import house
from tests.house import PACKAGES, files, text
from timeline import catalog
from timeline.findings import all_detectors, needed
from timeline.intervals import interval_models
from timeline.why import LEDGER

PYTHON = files(".py")
PRODUCT = tuple(path for path in PYTHON if path.startswith(PACKAGES))
SQL = files(".sql")
MODELS = tuple(path for path in SQL if path.startswith("timeline/models/"))
DETECTORS = tuple(path for path in SQL if path.startswith("timeline/detectors/"))

STORIES_MIN = 3


def demand_none(complaints: Iterable[str]) -> None:
    found = list(complaints)
    assert not found, "\n" + "\n".join(found)


def broken(rule: house.Rule, paths: Iterable[str]) -> Iterable[str]:
    return (f"{path}:{line}: {complaint}" for path in paths for line, complaint in rule(path, house.tree(path)))


def lines_of(paths: Iterable[str]) -> Iterable[tuple[str, int, str]]:
    return ((path, number, line) for path in paths for number, line in enumerate(text(path).splitlines(), 1))


# ---- sizes


@pytest.mark.parametrize(("paths", "most"), [(PYTHON, house.PYTHON_LINES_MAX), (SQL, house.SQL_LINES_MAX)], ids=["python", "sql"])
def test_files_are_short_enough_to_read_at_once(paths: tuple[str, ...], most: int):
    sizes = ((path, len(text(path).splitlines())) for path in paths)
    out = "find the second thing that it does and give it a file"
    demand_none(f"{path}:{most + 1}: {size} lines of {most}: {out}" for path, size in sizes if size > most)


def test_functions_fit_on_a_screen():
    demand_none(broken(house.long_functions, PYTHON))


def test_lines_fit_on_a_screen():
    written = files(".py", ".sql", ".sh", "Makefile", "pyproject.toml")
    demand_none(
        f"{path}:{number}: {len(line)} columns of {house.COLUMNS_MAX}: break the line"
        for path, number, line in lines_of(written)
        if len(line) > house.COLUMNS_MAX
    )


# ---- names and words


def test_a_file_is_named_for_the_one_thing_it_holds():
    stems = ((path, path.rpartition("/")[2].partition(".")[0]) for path in (*PYTHON, *SQL))
    demand_none(f"{path}:1: {stem!r} says nothing: name the file for what is in it" for path, stem in stems if stem in house.BANNED_STEMS)


def test_no_word_stands_for_work_that_was_not_done():
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, house.BANNED_WORDS)) + r")")
    demand_none(
        f"{path}:{number}: {found[1]}: {house.BANNED_WORDS[found[1]]}"
        for path, number, line in lines_of((*PYTHON, *SQL, "Makefile", "pyproject.toml"))
        if (found := pattern.search(line))
    )


def test_suppressed_warnings_say_why():
    paths = (path for path in PYTHON if path != "tests/house.py")
    demand_none(f"{path}:{line}: {complaint}" for path in paths for line, complaint in house.bare_suppressions(path))


# ---- floors


def test_the_vocabulary_needs_nothing_but_pydantic():
    """import-linter forbids by name; this allows by name: floor 0 imports the standard library, pydantic and itself."""
    files_of_floor_0 = {"ingest/__init__.py", "ingest/seed.py", "ingest/errors.py"}
    floor = [path for path in PYTHON if path.startswith("ingest/events/") or path in files_of_floor_0]
    allowed = {*sys.stdlib_module_names, "pydantic", "ingest"}
    inside = ("ingest.events", "ingest.seed", "ingest.errors")
    demand_none(
        f"{path}:{line}: imports {name}, but floor 0 may import the standard library and pydantic: move what needs it a floor up"
        for path in floor
        for line, name in house.imported(house.tree(path))
        if name.partition(".")[0] not in allowed or (name.startswith("ingest.") and not name.startswith(inside))
    )


# ---- safe code


def test_s4_data_is_never_code():
    demand_none(broken(house.unsafe_code, PYTHON))


def test_nothing_that_decides_or_prints_looks_at_a_clock_or_draws_chance():
    demand_none(broken(house.clock_and_chance, PRODUCT))


def test_every_permission_to_break_a_rule_is_used_and_says_why():
    tables = {"CLOCK_AND_CHANCE_ALLOWED": house.CLOCK_AND_CHANCE_ALLOWED, "SQL_BUILDERS": house.SQL_BUILDERS}
    for table, allowed in tables.items():
        for path, reason in allowed.items():
            assert path in PYTHON, f"tests/house.py: {table} names {path}, which is gone: remove the entry"
            assert len(reason.split()) > 2, f"tests/house.py: {table}[{path!r}] needs a reason"


def test_answers_come_in_the_order_that_was_asked_for():
    demand_none(broken(house.unordered_answers, PRODUCT))


def test_s2_sql_is_never_put_together_from_values():
    demand_none(broken(house.built_sql, PRODUCT))


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (house.unsafe_code, "eval(text)", "json.loads(text)"),
        (house.unsafe_code, "import pickle", "import json"),
        (house.unsafe_code, "run(command, shell=True)", "run([program, argument])"),
        (house.clock_and_chance, "started = time.monotonic()", "started = await Now()"),
        (house.clock_and_chance, "from datetime import datetime\ndatetime.now(UTC)", "datetime.fromtimestamp(us)"),
        (house.clock_and_chance, "import random\nrandom.choice(rows)", "import random\nrandom.Random(seed).choice(rows)"),
        (house.clock_and_chance, "from random import choice", "from random import Random"),
        (
            house.built_sql,
            "con.execute(f'SELECT * FROM event WHERE kind = {kind}')",
            "con.execute('FROM event WHERE kind = $k', {'k': kind})",
        ),
        (house.built_sql, "con.execute('SELECT * FROM ' + table)", "con.execute(f'SELECT * FROM {identifier(table)}')"),
        (house.built_sql, "con.execute('SELECT %s' % value)", "con.execute(f'SELECT {COLUMNS} FROM event')"),
        (house.built_sql, "con.sql('SELECT {}'.format(value))", "con.sql(model.text)"),
        (house.built_sql, "query = f'DELETE FROM event WHERE run_id = {run}'", "says = f'deleted {run}'"),
        (house.unordered_answers, "con.sql('FROM event WHERE kind = $k ORDER BY id', params=bound)", "con.sql('FROM event ORDER BY id')"),
        (house.long_functions, "def f():\n" + "    x = 1\n" * 70, "def f():\n" + "    x = 1\n" * 69),
    ],
)
def test_the_rules_see_what_they_forbid_and_nothing_else(rule: house.Rule, bad: str, good: str):
    assert list(rule("example.py", ast.parse(dedent(bad))))
    assert not list(rule("example.py", ast.parse(dedent(good))))


# ---- nothing of one machine


def test_no_file_knows_the_machine_it_was_written_on():
    """No path of one machine and no host of a package registry in anything that is committed."""
    places = ["/" + "work/", "/" + "root/", "/" + "tmp/w/", "/" + "home/"]
    hosts = [name + ".org" for name in ("py" + "pi", "python" + "hosted", "npm" + "js", "deb" + ".debian")]
    demand_none(
        f"{path}:{number}: {place} belongs to one machine or one registry: take it out"
        for path, number, line in lines_of(path for path in files("") if not path.endswith((".png", ".gz", ".zst")))
        for place in (*places, *hosts)
        if place in line
    )


# ---- SQL files


def test_every_model_is_read_by_something():
    words = Counter(word for path in (*SQL, *PRODUCT) for word in re.findall(r"\w+", text(path)))
    lanes = {one.table for one in interval_models()}
    for path in MODELS:
        name = path.rpartition("/")[2].removesuffix(".sql")
        if name.startswith(LEDGER) or name in lanes:
            continue  # timeline/why.py and timeline/intervals.py read all of these, by their names
        uses = words[name] - len(re.findall(rf"\b{name}\b", text(path)))
        assert uses, f"{path}:1: no detector, model or page reads {name}: delete it, or write what needs it"


@pytest.mark.parametrize("path", DETECTORS)
def test_every_detector_says_what_its_findings_mean_and_what_to_do(path: str):
    """Whatever is published about a detector comes from its header, so each key is there; catalog.py says how it is written."""
    name = path.removeprefix("timeline/detectors/").removesuffix(".sql")
    missing = set(catalog.KEYS) - set(all_detectors()[name].fields)
    assert not missing, f"{path}:1: the header has no line for {sorted(missing)}; the detectors beside it have examples"


def test_a_detector_that_reads_declared_timings_is_blind_without_them():
    """A join with a table of timings leaves nothing of a log in which nobody declared any, and that must not look clean."""
    demand_none(
        f"timeline/detectors/{query.name}.sql:1: reads {table}, which a log may lack: name it in `needs`"
        for query in all_detectors().values()
        for table in query.inputs
        if table.endswith("_config") and table not in {need.partition(".")[0] for need in needed(query)}
    )


@pytest.mark.parametrize("path", DETECTORS)
def test_every_detector_has_stories_of_all_its_answers(path: str):
    _, _, family, name = path.removesuffix(".sql").split("/")
    stories = f"tests/detectors/{family}/test_{name}.py"
    assert stories in PYTHON, f"{path}:1: no {stories}: write a clean, a leaking and a cut-off story"
    told = sum(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in house.tree(stories).body)
    assert told >= STORIES_MIN, f"{stories}:1: {told} stories of {STORIES_MIN}: clean, leaking and cut off at least"
