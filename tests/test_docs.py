"""What is written is true: generated pages are fresh, everything is documented, links lead somewhere, the tour runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from ingest.events import KINDS, Decision
from ingest.sentences import sentences
from timeline import docs
from timeline.cli import app

PAGES = docs.pages()


def handwritten_and_generated(root: Path) -> list[Path]:
    return [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]


# ---- generated pages


@pytest.mark.parametrize("path", PAGES)
def test_generated_page_is_fresh(root: Path, path: str):
    page = root / "docs" / path
    assert page.is_file(), f"docs/{path} is missing: run `make docs` and commit it"
    is_fresh = page.read_text(encoding="utf-8") == PAGES[path]
    assert is_fresh, f"docs/{path} is stale: run `make docs` and commit it"


def test_no_runbook_outlives_its_detector(root: Path):
    written = {page.relative_to(root / "docs").as_posix() for page in (root / "docs/runbooks").rglob("*.md")}
    assert written <= set(PAGES), f"{sorted(written - set(PAGES))}: their detectors are gone: run `make docs`"


# ---- nothing undocumented


@pytest.mark.parametrize("decision", KINDS.values(), ids=KINDS.keys())
def test_every_kind_and_field_is_documented(decision: type[Decision]):
    place = f"{decision.__module__}.{decision.__name__}"
    assert (decision.__dict__.get("__doc__") or "").strip(), f"{place} needs a docstring: what was decided, in one sentence"
    told = sentences(decision)
    for name in decision.model_fields:
        assert told.get(name), f"{place}.{name} needs a docstring below it: what it is, and its unit"
    assert f"### {decision.kind}\n" in PAGES["events.md"]


def commands(command: Any, words: tuple[str, ...] = ("timeline",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    members = getattr(command, "commands", None)
    if members is None:
        yield words, command
    for name, member in sorted((members or {}).items()):
        yield from commands(member, (*words, name))


@pytest.mark.parametrize(
    ("words", "command"), [pytest.param(*found, id=" ".join(found[0])) for found in commands(typer.main.get_command(app))]
)
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...], command: Any):
    name = " ".join(words)
    assert f"## {name}\n" in PAGES["commands.md"]
    assert command.help, f"{name} needs a docstring: what it does, in one sentence"
    shown = f"{command.help}\n{command.epilog or ''}"
    assert "Example:" in shown, f"{name}: `--help` needs an example: end the docstring with `Example:` and an indented line"
    assert name in shown.partition("Example:")[2], f"{name}: its example must call it by its whole name"
    for option in command.params:
        assert getattr(option, "help", None), f"{name} {option.name}: needs a help text"


# ---- pages written by hand


def test_every_link_leads_to_a_file(root: Path):
    for page in handwritten_and_generated(root):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(root)}: the link to {target} leads nowhere"


def test_every_decision_record_says_context_choice_and_cost(root: Path):
    records = sorted((root / "docs/decisions").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1)), "decision records are numbered without a hole"
    for record in records:
        text = record.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(record.name[:4])}. "), f"{record.name}: begin with the number of the record"
        for part in ("**Context.**", "**Choice.**", "**Cost.**"):
            assert part in text, f"{record.name}: a record has a {part} paragraph"


def test_the_changelog_tells_of_this_version(root: Path):
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## {version}" in (root / "CHANGELOG.md").read_text(encoding="utf-8"), f"CHANGELOG.md: say what a user can do with {version}"


def test_every_command_of_the_readme_runs(root: Path, tmp_path: Path):
    """The shell blocks, as they stand, one after another, in an empty folder."""
    tour = "\n".join(re.findall(r"```sh\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "140"}
    environment.pop("TIMELINE_DB", None)
    ran = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", tour],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, f"the tour ended with {ran.returncode}:\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}"
