"""S4: nothing that is read is ever run. Which calls and modules are forbidden is a rule of tests/test_house.py, without exceptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import SeedInvalid, UsageError
from ingest.load import load
from ingest.mapping import mapping_source
from ingest.seed import read_seed
from timeline.blank import blank


@pytest.fixture
def bombs(tmp_path: Path) -> list[Path]:
    """Files that make `canary` where they are obeyed."""
    canary = tmp_path / "canary"
    made = {
        "seed.pickle": f"cposix\nsystem\n(S'touch {canary}'\ntR.".encode(),
        "seed.yaml": f'!!python/object/apply:os.system ["touch {canary}"]'.encode(),
        "aliases.yaml": b"a: &a [x,x]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 121)),
        "seed.py": f"open({str(canary)!r}, 'w')".encode(),
        "seed.json": f'{{"format": "timeline.replay-seed", "__reduce__": ["os.system", ["touch {canary}"]]}}'.encode(),
        "seed.toml": f"[event]\nkind = \"__import__('os').system('touch {canary}')\"\n".encode(),
    }
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in made]


def test_s4_no_seed_no_mapping_and_no_log_is_run(bombs: list[Path]):
    """As a seed and as a mapping each is refused; as a log it is quarantined."""
    for bomb in bombs:
        with pytest.raises(SeedInvalid):
            read_seed(bomb)
        with pytest.raises(UsageError):
            mapping_source(str(bomb))
        database = blank()
        report = load(database, [str(bomb)])
        assert report.events == 0
        database.close()
    assert not (bombs[0].parent / "canary").exists()
