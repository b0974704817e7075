"""What leaves the house carries no secret, and says where one was."""

from __future__ import annotations

import pytest

from timeline.redaction import BLACKED_OUT, blacked_out_ids, redacted

SECRET = "hunter2hunter2hunter2"  # the word that must not appear


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://scheduler:{SECRET}@db.internal:5432/jobs",
        f"redis://:{SECRET}@cache/0",
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}",
        f"host=db password={SECRET} user=a",
        f"PGPASSWORD={SECRET} psql",
        f"https://example.org/?access_token={SECRET}&x=1",
        f"api_key: {SECRET}",
        f"client_secret={SECRET}",
        f"eyJhbGciOiJI.{SECRET}.c2ln",
        f"ghp_{SECRET}",
        f"glpat-{SECRET}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_secret_in_a_text_is_blacked_out(text: str):
    made, places = redacted({"reason": text})
    assert SECRET not in made["reason"]
    assert BLACKED_OUT in made["reason"]
    assert places == ["reason"]
    assert redacted(made) == (made, [])


@pytest.mark.parametrize(
    "name", ["password", "db_password", "token", "apiKey", "Authorization", "client-secret", "PGPASSWORD", "credentials"]
)
def test_secret_by_its_name_is_blacked_out_however_deep(name: str):
    made, places = redacted({"params": [{"a": 1}, {name: SECRET}]})
    assert made == {"params": [{"a": 1}, {name: BLACKED_OUT}]}
    assert places == [f"params[1].{name}"]


def test_what_is_no_secret_stays_as_it_is():
    document = {"name": "rollout", "at_us": 5, "target": "cp-1/janitor", "ok": True, "none": None, "label": "token bucket", "tokens": 3}
    assert redacted(document) == (document, [])


def test_ids_that_hold_secrets_are_still_told_apart_and_the_number_of_an_event_is_no_secret():
    ids = [("cp-1/token_sweep:17", 17), ("password=a", None), ("password=b", None), ("password=b:2", 2)]
    made = blacked_out_ids(ids)
    assert made == {
        "cp-1/token_sweep:17": "cp-1/token_sweep:17",
        "password=a": "password=[blacked out]",
        "password=b": "password=[blacked out] (2)",
        "password=b:2": "password=[blacked out]:2",
    }
