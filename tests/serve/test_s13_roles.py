"""S13: who brings which token may ask for what. The tokens are compared in constant time, and no answer says which part was wrong."""

from __future__ import annotations

import pytest

from tests.serve.conftest import TOKEN, Client

GUARDED = [("POST", "/events"), ("POST", "/v1/logs"), ("GET", "/metrics"), ("GET", "/"), ("GET", "/what_leaked/"), ("GET", "/nothing")]
NOT_IT = [
    None,
    "",
    "wrong",
    TOKEN[:-1],
    TOKEN + "x",
    TOKEN.upper(),
    TOKEN.replace("t", "\u0442").encode().decode("latin-1"),
    f"{TOKEN} {TOKEN}",
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_s13_without_the_token_nothing_is_told_and_nothing_is_taken(shared: Client, method: str, path: str):
    """No token, a wrong one, a part of it, more than it: the same refusal each time, whether or not the page exists."""
    replies = {shared.ask(path, b"{}" if method == "POST" else None, method=method, token=token)[::2] for token in NOT_IT}
    assert len(replies) == 1
    ((status, body),) = replies
    assert status == 401
    assert TOKEN.encode() not in body


@pytest.mark.parametrize(("method", "path"), GUARDED[:-1])
def test_s13_with_the_token_each_is_answered(shared: Client, method: str, path: str):
    """The control: the refusal is the token's doing. An empty body is a request that was let in and is wrong."""
    expected = 400 if method == "POST" else 200
    assert shared.ask(path, b"" if method == "POST" else None, method=method).status == expected


def test_s13_a_refused_sender_leaves_no_event(shared: Client):
    """What was sent without the token is not in any count."""
    before = shared.ask("/metrics").body
    assert shared.ask("/events", b'{"event_id": "x"}\n', token=None).status == 401
    after = shared.ask("/metrics").body
    received = [line for line in before.splitlines() if b"events" in line and not line.startswith(b"#")]
    assert received == [line for line in after.splitlines() if b"events" in line and not line.startswith(b"#")]
