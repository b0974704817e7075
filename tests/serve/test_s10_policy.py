"""S10: what a browser may do with a page is said in its headers, and no script runs that we did not write down."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from tests.serve.conftest import Client

EVERYWHERE = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def policy_of(headers: dict[str, str]) -> dict[str, list[str]]:
    """The policy of an answer: a directive to its sources."""
    parts = (part.split() for part in headers["content-security-policy"].split(";"))
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("path", ["/", "/what_leaked/", "/metrics", "/nowhere"])
def test_s10_every_answer_says_what_a_browser_may_do_with_it(shared: Client, path: str):
    headers = shared.ask(path).headers
    assert {name: headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    policy = policy_of(headers)
    assert policy["default-src"] == policy["frame-src"] == policy["object-src"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["base-uri"] == policy["form-action"] == ["'self'"]
    assert policy["connect-src"] == ["'self'", f"ws://127.0.0.1:{shared.port}", f"wss://127.0.0.1:{shared.port}"]
    assert not {"*", "http:", "https:"} & {source for sources in policy.values() for source in sources}


def test_s10_only_the_inline_scripts_of_the_page_itself_may_run(shared: Client):
    """Each is named by its hash; `unsafe-inline` is not there, which a browser would prefer to no hash at all."""
    answer = shared.ask("/what_leaked/")
    inline = re.findall(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", answer.body, re.DOTALL)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in inline}
    assert inline
    assert set(policy_of(answer.headers)["script-src"]) == {"'self'", "'unsafe-eval'", *hashes}


def test_s10_an_answer_without_a_page_allows_no_inline_script(shared: Client):
    assert policy_of(shared.ask("/metrics").headers)["script-src"] == ["'self'", "'unsafe-eval'"]


def test_s10_inline_scripts_and_styles_are_named_by_their_hashes_alone(shared: Client):
    """`unsafe-inline` stands for style attributes only: marimo sets those through the object model, which no policy governs."""
    for path in ("/", "/what_leaked/", "/metrics"):
        policy = policy_of(shared.ask(path).headers)
        assert [name for name, sources in policy.items() if "'unsafe-inline'" in sources] == ["style-src-attr"]


def test_s10_the_styles_of_the_charts_are_found_in_marimos_scripts(shared: Client):
    """One of Vega's frame, one or two of its tooltip, and ours; a browser test sees to it that there are no others."""
    looks = policy_of(shared.ask("/what_leaked/").headers)["style-src"]
    assert len([source for source in looks if source.startswith("'sha256-")]) >= 3


def test_s10_a_browser_keeps_the_files_of_marimo_and_nothing_that_the_log_says(shared: Client):
    """Their names hold the hash of their content. What is not there is not kept either, whatever it is called."""
    page = shared.ask("/what_leaked/").body.decode()
    script = re.findall(r"\.\.(/marimo/assets/[\w.-]+\.js)", page)[0]
    assert shared.ask(script).headers["cache-control"] == "private, max-age=31536000, immutable"
    for path in ("/marimo/manifest.json", "/marimo/assets/absent-00000000.js", f"/what_leaked/@file{script}", "/what_leaked/"):
        assert shared.ask(path).headers["cache-control"] == "no-store"
