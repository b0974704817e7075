"""A bundle opens anywhere and says the same again; what is no bundle, or a changed one, is refused before anything is read of it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ingest.errors import DatabaseUnusable, UsageError
from tests.timeline.conftest import LOSE, NOISE, RUN
from tests.timeline.tiny_replayer import record
from timeline import Timeline, bundle
from timeline.cli import app
from timeline.exports import formats
from timeline.redaction import BLACKED_OUT

SECRET = "hunter2hunter2"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a run that leaks, in whose recording is a secret."""
    lines = record(RUN, [*NOISE, LOSE], {"runs_once": True}).lines
    head = json.loads(lines[0])
    head["data"]["scenario"]["dsn"] = f"postgres://scheduler:{SECRET}@db/jobs"
    path = tmp_path_factory.mktemp("bundle") / "leak.bundle"
    with Timeline.in_memory([json.dumps(head).encode(), *lines[1:]]) as log:
        formats()["bundle"].write(log.choose(run=RUN), path)
    return path


@pytest.fixture
def reopened(packed: Path) -> Iterator[Timeline]:
    with Timeline.open(packed) as log:
        yield log


def test_bundle_opens_without_the_database_and_says_the_same(packed: Path, reopened: Timeline, tmp_path: Path):
    """The findings by id, and a bundle of the bundle to the byte, but for the secret: it can be counted only once."""
    manifest, files = bundle.unpack(packed)
    assert manifest.findings == [one.finding_id for one in reopened.detect().findings if one.verdict == "found"] != []
    assert json.loads(files["findings.json"]) == reopened.detect().model_dump(mode="json")
    formats()["bundle"].write(reopened.choose(run=RUN), tmp_path / "again.bundle")
    assert bundle.unpack(tmp_path / "again.bundle") == (manifest.model_copy(update={"blacked_out": 0}), files)


def test_every_reading_command_takes_a_bundle_as_its_database(packed: Path):
    for arguments in (["detect"], ["objects"], ["show", "lease/janitor"], ["sql", "SELECT count(*) AS n FROM event"]):
        result = CliRunner().invoke(app, [*arguments, "--db", str(packed), "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)
    assert CliRunner().invoke(app, ["detect", "--db", str(packed) + ".bundle"]).exit_code == DatabaseUnusable.exit_code


def test_no_secret_is_in_a_bundle(packed: Path):
    """It is blacked out, counted, and the seed says where it was."""
    manifest, files = bundle.unpack(packed)
    assert manifest.blacked_out == 1
    recorded = next(row["data"] for row in pq.read_table(io.BytesIO(files[bundle.LOG])).to_pylist() if row["kind"] == "recording.started")
    assert json.loads(recorded)["scenario"]["dsn"] == BLACKED_OUT
    assert not [name for name, content in files.items() if SECRET.encode() in content]


def test_field_that_no_envelope_has_comes_back_where_it_was(tmp_path: Path):
    """What an actor says beside the envelope is evidence too."""
    said = {**json.loads(record(RUN, NOISE, {}).lines[1]), "shard": 7, "trace": {"id": "x"}}
    with Timeline.in_memory([json.dumps(said).encode()]) as log:
        formats()["bundle"].write(log.choose(run=RUN), tmp_path / "odd.bundle")
    with Timeline.open(tmp_path / "odd.bundle") as log:
        assert json.loads(log.sql("SELECT extra FROM event")["extra"][0]) == {"shard": 7, "trace": {"id": "x"}}


def test_log_in_a_bundle_that_is_no_log_is_refused(packed: Path, tmp_path: Path):
    """Its checksum may be right: whoever makes a bundle makes that too."""
    manifest, files = bundle.unpack(packed)
    for content in (b"PAR1" + bytes(64), files["readme.txt"], files[bundle.LOG][:-100]):
        (tmp_path / "evil.bundle").write_bytes(bundle.pack(manifest, {**files, bundle.LOG: content}))
        with pytest.raises(DatabaseUnusable, match="its log is damaged"):
            Timeline.open(tmp_path / "evil.bundle")


def test_bundle_is_known_by_its_name(reopened: Timeline, tmp_path: Path):
    with pytest.raises(UsageError, match=r"name it leak\.zip\.bundle"):
        formats()["bundle"].write(reopened.choose(run=RUN), tmp_path / "leak.zip")


def changed(source: Path, path: Path, **how: str) -> Path:
    """The bundle with one entry more (`name`, `content`), one `packed`, or a bit of one changed (`damage`)."""
    with zipfile.ZipFile(source) as whole, zipfile.ZipFile(path, "w") as made:
        for info in whole.infolist():
            content = whole.read(info)
            if info.filename == how.get("damage"):
                content = content[:-1] + bytes([content[-1] ^ 1])
            method = zipfile.ZIP_DEFLATED if info.filename == how.get("packed") else zipfile.ZIP_STORED
            made.writestr(info.filename, content, method)
        if "name" in how:
            made.writestr(zipfile.ZipInfo(how["name"]), b"x")
    return path


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "a/b", "..", "a\\b", "A.json", "-x", "x" * 101, "né", "x\n", "manifest.json\u202e"]
)
def test_s3_entry_with_a_name_that_is_no_plain_name_is_refused(packed: Path, tmp_path: Path, name: str):
    """Nothing is written anywhere: a bundle is never unpacked into a folder."""
    path = changed(packed, tmp_path / "evil.bundle", name=name)
    with pytest.raises(DatabaseUnusable, match="an entry is called"):
        bundle.unpack(path)
    assert [file.name for file in tmp_path.iterdir()] == ["evil.bundle"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"damage": "log.parquet"}, "its checksum differs"),
        ({"damage": "report.html"}, "its checksum differs"),
        ({"damage": "manifest.json"}, r"manifest\.json"),
        ({"name": "extra.py"}, "and holds"),
        ({"name": "seed.json"}, "two entries have the same name"),
        ({"packed": "log.parquet"}, "is packed"),
    ],
)
def test_changed_bundle_is_refused_and_says_where(packed: Path, tmp_path: Path, how: dict[str, str], says: str):
    with pytest.raises(DatabaseUnusable, match=says):
        Timeline.open(changed(packed, tmp_path / "evil.bundle", **how))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip at all", b"\x00" * 4096])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "no.bundle"
    path.write_bytes(content)
    with pytest.raises(DatabaseUnusable, match="it is no bundle, or a damaged one"):
        Timeline.open(path)


def test_bundle_cut_anywhere_is_refused(packed: Path, tmp_path: Path):
    whole = packed.read_bytes()
    path = tmp_path / "cut.bundle"
    for length in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:length])
        with pytest.raises(DatabaseUnusable):
            bundle.unpack(path)
