"""The checklist of docs/security.md is whole: each control is there once, and has a test that is named after it."""

from __future__ import annotations

import re
from pathlib import Path

CONTROLS = [f"S{number}" for number in range(1, 21)]


def test_every_control_is_told_once_and_tried_by_a_test_of_its_name(root: Path):
    """And the page names no file that is not there."""
    page = (root / "docs" / "security.md").read_text()
    assert re.findall(r"^\| (S\d+) \|", page, re.MULTILINE) == CONTROLS
    told = "".join(path.read_text() for path in sorted((root / "tests").rglob("test_*.py")))
    tried = {f"S{number}" for number in re.findall(r"^def test_s(\d+)_", told, re.MULTILINE)}
    assert [control for control in CONTROLS if control not in tried] == []
    files = re.findall(r"`((?:timeline|ingest|tests|requirements)[\w./]*)`", page)
    assert [name for name in files if not (root / name).exists()] == []
