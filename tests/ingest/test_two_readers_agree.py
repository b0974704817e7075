"""The fast reader and the strict one agree: a line becomes an event exactly where the strict reader takes it.

Python's and DuckDB's JSON readers differ (equal keys, NaN, half surrogates, trailing commas, depth); nothing may fall
into the gap. Good lines are bent by small edits, many to a log, and every verdict is compared.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import hypothesis
import hypothesis.strategies as st

from ingest.events import KINDS
from ingest.in_memory import open_in_memory
from ingest.load import load
from ingest.strict import DIGITS_MAX, KEYS_MAX, refusal_of_line
from tests.ingest.lines import event, line, rows, write

TOKENS = [
    "null", "true", "7", "-0", "1.5", "1e2", "1e400", "NaN", "-Infinity", "inf", "9223372036854775807", "9223372036854775808",
    "123456789012345678901", '"7"', '""', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"nan"', '"a, ]"', "[]", "{}", "[null]", "[7]",
    '["x"]', '{"a":{"b":1,"b":2}}', '{"a":[{"b":1},{"b":"x"}]}', '"2026-02-30T00:00:00Z"', '"2026-01-31T12:00:00+14:59"',
    '"2026-01-31T12:00:00+15:00"', '"' + "x" * 201 + '"', '[{"role":"r","kind":"k","id":"i"}]', '[{"role":"r","kind":"k","id":7}]',
    '[{"kind":"k","id":"i","role":"r"}]', '[{"role":"r","kind":"k","id":"i","id":"j"}]', '[{"role":"r","role":"r","kind":"k"}]',
    '[{"source":"store","kind":"k","id":"i","version":null}]', '[{"source":"store","kind":"k","id":"i","colour":1}]',
    '{"kind":"worker","id":"w","id":"w"}', '{"id":"w","kind":"worker"}', '{"kind":"worker","id":"\\u0077"}', '"2026-01-31t12:00:00z"',
]  # fmt: skip
FIELDS = [*event(), "workload", "generation", "epoch", "reason", "colour", "", "Seq", "__proto__"]
OWN = ["to_state", "owner", "vcpu", "ttl_us", "org", "colour", "from_state"]

tokens = st.sampled_from(TOKENS)
replaced = st.tuples(st.sampled_from(FIELDS), tokens).map(lambda edit: _with(event(), *edit))
owned = st.tuples(st.sampled_from(OWN), tokens).map(lambda edit: _with_own(*edit))
other_kind = st.tuples(st.sampled_from([*KINDS, "gadget.polished"]), tokens).map(lambda edit: _with_kind(*edit))
doubled = st.tuples(st.sampled_from(FIELDS), tokens).map(lambda edit: line()[:-1] + f", {json.dumps(edit[0])}: {edit[1]}}}".encode())
cut = st.integers(0, len(line())).map(lambda place: line()[:place])
spliced = st.tuples(
    st.integers(0, len(line())), st.sampled_from([b",", b"}", b"\\", b'"', b" ", b"\t", b"\x00", b"\xff", b"0", b"-", b"\xc3\xa9"])
)
bytewise = spliced.map(lambda edit: line()[: edit[0]] + edit[1] + line()[edit[0] :])
bent = st.one_of(replaced, owned, other_kind, doubled, cut, bytewise)


def _with(document: dict[str, object], name: str, token: str) -> bytes:
    """The document as text with one field set to a token that need not be JSON."""
    fields = {key: json.dumps(value) for key, value in document.items()} | {name: token}
    return ("{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in fields.items()) + "}").encode()


def _with_own(name: str, token: str) -> bytes:
    data = event()["data"]
    return _with(event(), "data", _with(data, name, token).decode())


def _with_kind(kind: str, token: str) -> bytes:
    return _with(event(kind=kind), "data", '{"any": ' + token + "}")


@hypothesis.given(st.lists(bent, min_size=60, max_size=60))
@hypothesis.settings(max_examples=40, phases=[hypothesis.Phase.generate])  # to make sixty lines smaller one by one takes minutes
def test_a_line_loads_exactly_where_the_strict_reader_takes_it(contents: list[bytes]) -> None:
    """For every bent line of a log: rejected with the strict reader's reason, or loaded; never the other way round."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        path = write(Path(file.name), *contents)
        found = _rejected(path)
    expected = {}
    for number, content in enumerate(contents, start=1):
        refusal = refusal_of_line(content)
        if refusal and content.strip():
            expected[number] = refusal.reason
    assert found == expected


def _rejected(path: Path) -> dict[int, str]:
    with open_in_memory() as database:
        load(database, [path])
        return {row["line_no"]: row["reason"] for row in rows(database.connection, "FROM rejected_line")}


def test_limits_of_keys_and_digits_are_the_same_for_both(tmp_path: Path) -> None:
    """At the limit a line loads, one beyond it is refused, wherever in `data` the keys are."""
    most = KEYS_MAX - len(event()) - sum(map(len, [event()["subject"], *event()["refs"], *event()["inputs"]]))
    objects = [{"a": 1, "b": 2} for _ in range(most // 2 - 1)]
    contents = [
        line(1, kind="gadget.polished", data={f"k{number}": 1 for number in range(most)}),
        line(2, kind="gadget.polished", data={f"k{number}": 1 for number in range(most + 1)}),
        line(3, kind="gadget.polished", data={"inner": objects}),
        line(4, kind="gadget.polished", data={"inner": [*objects, {"a": 1, "b": 2}, {}, {"c": 3}]}),
        line(5, kind="gadget.polished").replace(b'"vcpu": 4', b'"vcpu": 0.' + b"3" * (DIGITS_MAX - 2)),
        line(6, kind="gadget.polished").replace(b'"vcpu": 4', b'"vcpu": 0.' + b"3" * (DIGITS_MAX - 1)),
    ]
    assert _rejected(write(tmp_path / "log.jsonl", *contents)) == {2: "keys", 4: "keys", 6: "number"}
