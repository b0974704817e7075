"""Every exit code of the one table (`ingest/errors.py`), each reached by a real call of the program.

A process takes a second to start. So what only prepares or looks after is called in this process (`does`), and each code is
shown by at least one process of its own (`run`).
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest import errors
from ingest.database import open_for_write
from ingest.errors import TimelineError
from ingest.seed import read_seed
from tests.timeline.conftest import LOSE, NOISE, RUN, install
from tests.timeline.tiny_replayer import record
from timeline.cli import app

PLUGINS = """[timeline.replayers]
tiny = tests.timeline.tiny_replayer:REPLAYER

[timeline.commands]
ask = asked_elsewhere:ask
slip = asked_elsewhere:slip
stop = asked_elsewhere:stop
talk = asked_elsewhere:talk
"""

COMMANDS = '''
import os
import signal

from ingest.errors import UpstreamUnavailable


def ask():
    """Ask something that does not answer."""
    raise UpstreamUnavailable("asking the scheduler at 127.0.0.1:9: it does not answer")


def slip():
    """Have a bug."""
    raise ZeroDivisionError("divided\\nby zero\\x1b[2J")


def stop(signal_number: int):
    """Get a signal."""
    os.kill(os.getpid(), signal_number)
    signal.pause()


def talk():
    """Print for ever."""
    while True:
        print("y" * 1000)
'''


class Program:
    """The program in a folder of its own, with the tiny replayer and a few commands installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "asked_elsewhere.py").write_text(COMMANDS)
        install(folder, PLUGINS)
        (folder / "events.jsonl").write_bytes(b"\n".join(record(RUN, [*NOISE, LOSE], {"runs_once": True}).lines) + b"\n")

    def start(self, *arguments: str, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        """The program in a process of its own, in which `before` is called first."""
        path = os.pathsep.join([str(self.folder), str(Path(__file__).parents[1])])
        environment = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(self.folder), "NO_COLOR": "1"}
        environment.pop("TIMELINE_DB", None)
        return subprocess.Popen(
            [sys.executable, "-m", "timeline", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,  # noqa: PLW1509  the tests run no thread
        )

    def does(self, *arguments: str) -> tuple[int, str, str]:
        """The same as `run`, in this process, in which nobody else prints or changes the folder."""
        with pytest.MonkeyPatch.context() as here:
            here.chdir(self.folder)
            here.syspath_prepend(str(self.folder))
            here.delenv("TIMELINE_DB", raising=False)
            done = CliRunner().invoke(app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    def run(self, *arguments: str, before: Callable[[], None] | None = None) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        process = self.start(*arguments, before=before)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err


def files_may_grow_to(size_bytes: int) -> Callable[[], None]:
    """What makes every disk full for a process: no file of it grows beyond that size."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def obey_modes() -> None:
    """Take from root the right to write where the modes of files forbid it; others have none."""
    drop_capability, override = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE of <linux/prctl.h>
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(drop_capability, override)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def loaded(program: Program) -> Program:
    assert program.does("ingest", "events.jsonl")[0] == 0
    return program


def one_line(err: str, *words: str) -> None:
    """The message is one line of ours, without a traceback, and says those words."""
    assert err.startswith("timeline: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_0_done(loaded: Program):
    code, out, err = loaded.run("objects")
    assert (code, err) == (0, "")
    assert "lease/janitor" in out


def test_1_findings_at_or_above_what_was_asked_for(loaded: Program):
    assert loaded.run("detect", "--fail-on", "critical")[0] == 1
    assert loaded.does("detect", "--fail-on", "invariant")[0] == 0


def test_2_usage(loaded: Program):
    code, _, err = loaded.run("show", "lease/nobody")
    assert code == 2
    one_line(err, "lease/nobody", "lease/janitor")
    assert loaded.does("show")[0] == 2
    assert loaded.does("no_such_command")[0] == 2


def test_3_input_rejected_and_the_good_lines_loaded(program: Program):
    with (program.folder / "events.jsonl").open("ab") as file:
        file.write(b"not an event\n")
    code, _, err = program.run("ingest", "--strict", "events.jsonl")
    assert code == 3
    one_line(err, "1 of ", "timeline rejected")
    assert program.does("objects")[0] == 0


def test_4_database_busy_and_the_holder_named(loaded: Program):
    with open_for_write(loaded.folder / "timeline.duckdb"):
        code, _, err = loaded.run("objects")
    assert code == 4
    one_line(err, f"process {os.getpid()} holds it")


def test_5_database_unusable_and_left_as_it_was(program: Program):
    path = program.folder / "timeline.duckdb"
    path.write_text("these are notes, no database\n" * 1000)
    code, _, err = program.run("objects")
    assert code == 5
    one_line(err, "timeline.duckdb")
    assert path.read_text() == "these are notes, no database\n" * 1000
    assert program.does("objects", "--db", "none.duckdb")[0] == 5


def test_6_storage_failed_and_nothing_left_behind(loaded: Program):
    (loaded.folder / "taken").mkdir()
    code, _, err = loaded.run("export", "--run", RUN, "-o", "taken")
    assert code == 6
    one_line(err, "writing taken")
    assert loaded.does("export", "--run", RUN, "-o", "no/such/folder/seed.json")[0] == 6
    assert not list(loaded.folder.glob(".taken*"))


def test_6_a_full_disk_keeps_what_was_committed_and_the_next_ingest_adds_the_rest(loaded: Program):
    """The message names the database; with room again the same command ends in every event once."""
    before = event_count(loaded)
    text = (loaded.folder / "events.jsonl").read_text()
    more = "".join(text.replace(f'"{RUN}"', f'"other-{number}"') for number in range(400))
    (loaded.folder / "more.jsonl").write_text(more)
    room = (loaded.folder / "timeline.duckdb").stat().st_size + 64 * 1024
    code, _, err = loaded.run("ingest", "more.jsonl", before=files_may_grow_to(room))
    assert code == 6
    one_line(err, "timeline.duckdb", "committed is safe")
    assert loaded.does("ingest", "more.jsonl")[0] == 0
    assert event_count(loaded) == 401 * before


def test_6_a_disk_that_is_full_from_the_start_leaves_no_half_of_a_database(program: Program):
    """The database is made whole or not at all."""
    code, _, err = program.run("ingest", "events.jsonl", before=files_may_grow_to(64 * 1024))
    assert code == 6
    one_line(err, "timeline.duckdb")
    assert not (program.folder / "timeline.duckdb").exists()
    assert program.does("ingest", "events.jsonl")[0] == 0


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "existing"])
def test_6_a_folder_that_may_not_be_written(is_new: bool, program: Program):
    """Nothing is made, nothing is lost, and reading goes on."""
    folder = program.folder / "shut"
    folder.mkdir()
    place = str(folder / "timeline.duckdb")
    if not is_new:
        assert program.does("ingest", "events.jsonl", "--db", place)[0] == 0
        assert program.does("objects", "--db", place)[0] == 0  # brings the models up to date, so that reading writes nothing more
        (program.folder / "events.jsonl").write_text((program.folder / "events.jsonl").read_text().replace(f'"{RUN}"', '"other"'))
    folder.chmod(0o555)
    try:
        code, _, err = program.run("ingest", "events.jsonl", "--db", place, before=obey_modes)
        assert code == 6
        one_line(err, "timeline.duckdb")
        if not is_new:
            assert program.run("objects", "--db", place, before=obey_modes)[0] == 0
    finally:
        folder.chmod(0o755)
    assert program.does("ingest", "events.jsonl", "--db", place)[0] == 0


def event_count(program: Program) -> int:
    """How many events the database of the program holds."""
    (row,) = json.loads(program.does("sql", "SELECT count(*) AS n FROM event", "--json")[1])
    return int(row["n"])


def test_recovering_ends_with_the_code_of_what_was_found(loaded: Program):
    """0 where it is usable afterwards, 4 while it is held, 5 where it is not ours or not there."""
    assert loaded.run("db", "recover")[0] == 0
    with open_for_write(loaded.folder / "timeline.duckdb"):
        assert loaded.does("db", "recover")[0] == 4
    assert loaded.does("db", "recover", "--db", "none.duckdb")[0] == 5
    assert loaded.does("db", "recover", "--db", "events.jsonl")[0] == 5
    with (loaded.folder / "timeline.duckdb").open("r+b") as file:
        file.truncate(4096)
    assert loaded.does("objects")[0] == 5
    code, out, err = loaded.run("db", "recover")
    assert (code, err) == (0, "")
    assert "kept aside: timeline.aside-1.duckdb" in out
    assert loaded.does("ingest", "events.jsonl")[0] == 0


def test_7_replay_diverged(loaded: Program):
    """The recording says another digest than the replay gives; a run that was changed on purpose diverges as well."""
    assert loaded.does("export", "--run", RUN, "-o", "seed.json")[0] == 0
    path = loaded.folder / "seed.json"
    seed = read_seed(path)
    path.write_text(seed.model_copy(update={"expected": seed.expected.model_copy(update={"digest": "0" * 64})}).to_text())
    code, out, err = loaded.run("replay", "seed.json")
    assert code == 7
    assert "not equal" in out
    one_line(err, "replaying seed.json")
    assert loaded.does("replay", "seed.json", "--switch", "runs_once=off")[0] == 7


def test_8_seed_invalid(loaded: Program):
    (loaded.folder / "seed.json").write_text('{"format": "timeline.replay-seed"')
    code, _, err = loaded.run("replay", "seed.json")
    assert code == 8
    one_line(err, "seed.json")


def test_9_upstream_unavailable(program: Program):
    code, _, err = program.run("ask")
    assert code == 9
    one_line(err, "does not answer")


def test_70_a_bug_of_ours_is_one_line_and_a_report(program: Program):
    """No traceback on the terminal, no control character, and the report holds the traceback."""
    code, out, err = program.run("slip")
    assert (code, out) == (70, "")
    one_line(err, "a bug of ours", "ZeroDivisionError")
    assert "\x1b" not in err
    (report,) = program.folder.glob("timeline-bug-*.txt")
    assert str(report) in err
    assert "Traceback" in report.read_text()


@pytest.mark.parametrize(("signal_number", "code"), [(2, 130), (15, 143)])
def test_130_and_143_signals(program: Program, signal_number: int, code: int):
    assert program.run("stop", str(signal_number)) == (code, "", "")


def test_reader_that_goes_away_ends_us_quietly(program: Program):
    process = program.start("talk")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert (process.wait(timeout=60), process.stderr.read()) == (0, "")
    process.stderr.close()


def test_every_class_of_error_has_a_code_of_its_own_and_a_test_here():
    """The table is whole: no two classes share a code, and none is without a test in this file."""
    classes = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, TimelineError)]
    codes = sorted(error.exit_code for error in classes)
    assert codes == [2, 3, 4, 5, 6, 7, 8, 9, 70]
    for code in codes:
        assert any(name.startswith(f"test_{code}_") for name in globals()), f"exit code {code} is reached by no test"


def test_a_plugin_that_is_broken_takes_no_other_command_with_it(tmp_path: Path):
    """It is named on standard error, and everything else works."""
    program = Program(tmp_path)
    entry_points = next(tmp_path.glob("*.dist-info")) / "entry_points.txt"
    entry_points.write_text(PLUGINS + "lost = nowhere_to_be_found:app\n")
    code, out, err = program.run("cluster", "scenarios")
    assert code == 0
    assert "healthy" in out
    one_line(err, "plug-in 'lost' (nowhere_to_be_found:app) cannot be loaded: ModuleNotFoundError")
