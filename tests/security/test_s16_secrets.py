"""S16: what we say to a person ends in somebody's log: it is one line, escaped, and without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from timeline.cli import app

SECRET = "hunter2hunter2hunter2"  # the word that must not appear
FORMS = [
    f"postgres://scheduler:{SECRET}@db:5432/jobs",
    f"postgresql+psycopg://a:{SECRET}@db/jobs",
    f"mysql://root:{SECRET}@db",
    f"redis://:{SECRET}@cache/0",
    f"amqp://guest:{SECRET}@mq//",
    f"https://user:{SECRET}@prometheus:9090/api",
    f"mongodb+srv://a:{SECRET}@x/y",
    f"ftp://a:{SECRET}@x",
    f"Authorization: Bearer {SECRET}",
    f"authorization: basic {SECRET}",
    f"Proxy-Authorization: Bearer {SECRET}",
    f"token {SECRET}",
    f"PGPASSWORD={SECRET}",
    f"password={SECRET}",
    f"db_password: {SECRET}",
    f"host=db password={SECRET} user=a",
    f"passwd={SECRET}",
    f"pwd={SECRET}",
    f"https://x/?access_token={SECRET}&y=1",
    f"https://x/?token={SECRET}",
    f"api_key={SECRET}",
    f"apikey: {SECRET}",
    f"client_secret={SECRET}",
    f"AWS_SECRET_ACCESS_KEY={SECRET}",
    f"access_key={SECRET}",
    f"eyJhbGciOiJI.{SECRET}.c2ln",
    f"ghp_{SECRET}",
    f"glpat-{SECRET}",
    f"xoxb-{SECRET}",
    f"key -----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_s16_no_message_repeats_a_secret(form: str, tmp_path: Path):
    """As a file, a mapping, a seed, a moment, a detector, a format and a database that there is not."""
    for asked in (
        ["ingest", form],
        ["ingest", "x.jsonl", "--mapping", form],
        ["ingest", "x.jsonl", "--format", form],
        ["replay", form],
        ["detect", "--param", form],
        ["objects", "--db", f"{tmp_path}/{form}"],
        ["cluster", "simulate", form],
    ):
        result = CliRunner().invoke(app, asked)
        assert result.exit_code != 0
        assert SECRET not in result.stderr + result.stdout, asked
        assert result.stderr.count("\n") <= 12
