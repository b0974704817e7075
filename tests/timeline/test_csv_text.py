"""CSV that a spreadsheet shows and never computes."""

from __future__ import annotations

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from tests.timeline.test_cli import OBEYED
from timeline.cli import app
from timeline.csv_text import csv_text
from timeline.terminal import print_json

FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("http://127.0.0.1:9","x")']


def test_s7_text_that_a_spreadsheet_would_compute_is_quoted_and_comes_back():
    """A number that is negative stays a number; everything else is the same text again."""
    plain = ["a", 'say "x", y', "1=1", "'quoted", "", "ä"]
    read = list(csv.reader(io.StringIO(csv_text(["=head", "n"], [[text, -5] for text in [*FORMULAS, *plain]]))))
    assert read[0] == ["'=head", "n"]
    assert [(text.removeprefix("'") if text[1:].startswith(("=", "+", "-", "@", "\t")) else text) for text, _ in read[1:]] == [
        *FORMULAS,
        *plain,
    ]
    assert {number for _, number in read[1:]} == {"-5"}


def test_s7_json_is_ascii(capsys: pytest.CaptureFixture[str]):
    """And the same document again."""
    document = {"says": "é \u202e \x7f \U0001f600 </script>", "lone": "\ud800"}
    print_json(document)
    out = capsys.readouterr().out
    assert out.isascii()
    assert not OBEYED.search(out.replace("\n", ""))
    assert json.loads(out) == document


def test_query_answers_in_csv(events, database):
    runner = CliRunner()
    runner.invoke(app, ["ingest", str(events), "--db", str(database)])
    query = "SELECT '=1' AS a, 2 AS b, 'x' || chr(27) || 'y' AS c, NULL AS d"
    answer = runner.invoke(app, ["sql", query, "--csv", "--db", str(database)])
    assert answer.stdout == "a,b,c,d\n'=1,2,x\\u001by,\n"
    assert runner.invoke(app, ["sql", query, "--csv", "--json", "--db", str(database)]).exit_code == 2
