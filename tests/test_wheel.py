"""What is installed is what is here: the wheel holds every file of the packages and asks for few others."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

import pytest

from tests.house import PACKAGES, files


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile):
    """SQL, scenarios, notebooks and the type markers too: an installed program finds them by listing its folders."""
    held = set(wheel.namelist())
    missing = [path for path in files("") if path.startswith(PACKAGES) and path not in held]
    assert not missing, f"{missing}: not in the wheel; see [tool.hatch] in pyproject.toml and .gitignore"
    assert {"timeline/py.typed", "ingest/py.typed", "reference_cluster/py.typed"} <= held


def test_a_bare_install_is_light(wheel: zipfile.ZipFile):
    """Extras are asked for by name: without one, nine packages are needed."""
    (metadata,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    required = HeaderParser().parsestr(wheel.read(metadata).decode()).get_all("Requires-Dist", [])
    core = {re.split(r"[<>=!~ ;]", line)[0] for line in required if "extra ==" not in line}
    assert core == {"duckdb", "jinja2", "polars", "pyarrow", "pydantic", "pyyaml", "rich", "typer", "zstandard"}


@pytest.mark.parametrize("module", ["altair", "marimo", "prometheus_api_client", "vl_convert", "duckdb", "polars", "pyarrow"])
def test_help_does_not_wait_for_heavy_packages(module: str):
    """`timeline --help` loads the names of the commands and nothing that takes half a second."""
    code = f"import sys, timeline.cli; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0, f"importing timeline.cli imports {module}"
