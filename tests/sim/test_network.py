"""The network: real bytes cross it, and what is lost is lost."""

from __future__ import annotations

import pytest

from reference_cluster.effects import Call, CallRefused, CallTimedOut, Exit, Now, Receive, Reply, Request, Sleep
from reference_cluster.sim.kernel import ProgramFailed
from reference_cluster.sim.run import Simulation
from reference_cluster.wire import Message, encode
from tests.sim.small import PROMPT, SECOND, at, play, start


class Ping(Message, name="test.ping"):
    """A question."""

    text: str


class Pong(Message, name="test.pong"):
    """An answer."""

    text: str


async def echo(requests: list[Request]) -> None:
    """Answer every ping with its own text."""
    while True:
        request = await Receive("b/echo")
        requests.append(request)
        assert isinstance(request.message, Ping)
        await Reply(request, Pong(text=request.message.text))


def ask(outcomes: list[object], to: str = "b/echo", timeout_us: int | None = SECOND):
    """A program that sends one ping and notes what came of it, and when."""

    async def caller() -> None:
        try:
            outcomes.append(await Call(to, Ping(text="hello"), timeout_us))
        except (CallTimedOut, CallRefused) as error:
            outcomes.append(f"{type(error).__name__}: {error}")
        outcomes.append(at(await Now()))

    return caller()


def test_a_call_brings_back_the_reply_after_both_ways():
    outcomes: list[object] = []
    requests: list[Request] = []
    simulation = play({"b": echo(requests), "a": ask(outcomes)})
    assert outcomes == [Pong(text="hello"), 2_000]
    assert requests[0].sender == simulation.instances["a"].incarnation
    assert requests[0].message is not outcomes[0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'test.ping {"text":"hello","extra":1}', "CallRefused: wire: Ping: field extra: Extra inputs are not permitted"),
        (b'test.ping {"test":"hello"}', "CallRefused: wire: Ping: field text: Field required"),
        (b'test.ping {"text":1}', "CallRefused: wire: Ping: field text: Input should be a valid string"),
    ],
)
def test_a_message_that_its_receiver_does_not_understand_is_refused(body: bytes, reason: str, monkeypatch: pytest.MonkeyPatch):
    """An older or newer sender writes other bytes: the receiver says which field it is about (workron's lost acknowledgements)."""
    outcomes: list[object] = []
    requests: list[Request] = []
    monkeypatch.setattr("reference_cluster.sim.network.encode", lambda message: body)
    play({"b": echo(requests), "a": ask(outcomes)})
    assert outcomes == [reason, 2_000]
    assert requests == []


def test_a_reply_that_its_caller_does_not_understand_is_refused_there(monkeypatch: pytest.MonkeyPatch):
    outcomes: list[object] = []
    monkeypatch.setattr(
        "reference_cluster.sim.network.encode", lambda message: encode(message) if isinstance(message, Ping) else b"test.pung {}"
    )
    play({"b": echo([]), "a": ask(outcomes)})
    assert str(outcomes[0]).startswith("CallRefused: wire: no message is called b'test.pung'")


def test_a_refusal_carries_its_reason():
    outcomes: list[object] = []

    async def unwilling() -> None:
        await Reply(await Receive("b/echo"), refused="quota")

    play({"b": unwilling(), "a": ask(outcomes)})
    assert outcomes == ["CallRefused: quota", 2_000]


@pytest.mark.parametrize("to", ["b/echo", "nobody/echo"])
def test_a_message_to_a_process_that_is_not_there_ends_in_a_time_out(to: str):
    outcomes: list[object] = []

    async def leaving() -> None:
        await Exit("done")

    play({"b": leaving(), "a": ask(outcomes, to)})
    assert outcomes == [f"CallTimedOut: {to}", SECOND]


def test_a_call_without_a_time_out_waits_for_ever():
    outcomes: list[object] = []
    play({"a": ask(outcomes, "nobody/echo", None)})
    assert outcomes == []


def test_a_reply_that_comes_after_the_time_out_is_lost():
    """And it is not taken for the answer to the next call."""
    outcomes: list[object] = []

    async def slow() -> None:
        request = await Receive("echo")
        await Sleep(2 * SECOND)
        await Reply(request, Pong(text="late"))

    async def caller() -> None:
        with pytest.raises(CallTimedOut):
            await Call("b/echo", Ping(text="first"), SECOND)
        with pytest.raises(CallTimedOut):
            await Call("b/echo", Ping(text="second"), 5 * SECOND)
        outcomes.append(at(await Now()))

    play({"b": slow(), "a": caller()})
    assert outcomes == [6 * SECOND]


def test_requests_wait_in_the_mailbox_in_the_order_in_which_they_came():
    texts: list[str] = []

    async def sender(text: str, wait_us: int) -> None:
        await Sleep(wait_us)
        with pytest.raises(CallTimedOut):
            await Call("b/echo", Ping(text=text), SECOND)

    async def late_reader() -> None:
        await Sleep(SECOND // 2)
        for _ in range(3):
            message = (await Receive("b/echo")).message
            assert isinstance(message, Ping)
            texts.append(message.text)

    play({"b": late_reader(), "x": sender("2", 20), "y": sender("1", 10), "z": sender("3", 30)})
    assert texts == ["1", "2", "3"]


def test_an_instance_means_its_latest_incarnation_and_an_incarnation_itself():
    got: list[str] = []

    async def listener(name: str) -> None:
        while True:
            message = (await Receive("signals")).message
            assert isinstance(message, Ping)
            got.append(f"{name} got {message.text}")

    simulation = Simulation(1, latency=PROMPT)
    old = start(simulation, "cp-1", listener("old"))
    start(simulation, "cp-1", listener("new"))
    simulation.network.post("cp-1/signals", Ping(text="hello"))
    simulation.network.post(f"{old.incarnation}/signals", Ping(text="stop"))
    simulation.run(SECOND)
    simulation.close()
    assert sorted(got) == ["new got hello", "old got stop"]


def test_receiving_at_the_address_of_another_process_is_a_bug_of_ours():
    async def thief() -> None:
        await Receive("b/echo")

    with pytest.raises(ProgramFailed, match="a/main receives at 'b/echo', an address of another process"):
        play({"a": thief()})
