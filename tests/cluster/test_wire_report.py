"""Both sides of the wire are held against each other, field by field, and recording changes nothing."""

from __future__ import annotations

import pytest

from reference_cluster import scenario
from reference_cluster.effects import Call, Program, Receive, Reply
from reference_cluster.sim.cluster import Staged
from reference_cluster.sim.run import Simulation, simulate
from reference_cluster.sim.wire_report import Mismatch, WireReport
from reference_cluster.wire import LenientShape, Message


class Order(Message, name="test.order"):
    """What a client asks for."""

    item: str
    colour: str
    size: int = 1


class Line(Message, name="test.line"):
    """A line of a bill."""

    price: int
    tax: int


class Bill(Message, name="test.bill"):
    """What the shop answers."""

    order_no: int
    lines: tuple[Line, ...]


class OldBill(LenientShape):
    """The bill as a careless client reads it."""

    orderno: int = 0


def reported(server: Program, client: Program) -> list[Mismatch]:
    """The report about one exchange between two programs."""
    simulation = Simulation(1)
    with WireReport() as report:
        report.attach(simulation.network)
        simulation.start("shop", lambda _: server, "shop")
        simulation.start("client", lambda _: client, "client")
        simulation.run(1_000_000)
    return report.mismatches()


async def shop() -> None:
    request = await Receive("shop/orders")
    match request.message:
        case Order(item=_, size=_):
            await Reply(request, Bill(order_no=7, lines=(Line(price=3, tax=1),)))


async def client_that_reads_all() -> None:
    bill = await Call("shop/orders", Order(item="pen", colour="red", size=2), None)
    assert isinstance(bill, Bill)
    assert [bill.order_no, bill.lines[0].price, bill.lines[0].tax] == [7, 3, 1]


def test_a_field_that_nobody_reads_is_named():
    """The shop matches on item and size; the colour, which the client gives, goes by the board."""
    assert reported(shop(), client_that_reads_all()) == [Mismatch("test.order", "colour", "sent, never read", 1)]


async def old_client() -> None:
    bill = await Call("shop/orders", Order(item="pen", colour="red"), None, reads=OldBill)
    assert isinstance(bill, OldBill)
    assert bill.orderno == 0


def test_a_field_that_is_read_under_another_name_shows_on_both_sides():
    """The careless client gets its default for ever: what it should have read and what it reads are both named."""
    assert reported(shop(), old_client()) == [
        Mismatch("test.bill", "lines", "sent, never read", 1),
        Mismatch("test.bill", "order_no", "sent, never read", 1),
        Mismatch("test.bill", "orderno", "read, never sent", 1),
        Mismatch("test.order", "colour", "sent, never read", 1),
        Mismatch("test.order", "size", "read, never sent", 1),
    ]


async def copier() -> None:
    request = await Receive("shop/orders")
    request.message.model_dump()
    await Reply(request, Bill(order_no=7, lines=(Line(price=3, tax=1),)))


def test_taking_a_message_whole_reads_every_field_of_it():
    """A receiver that stores what it got has read it."""
    assert reported(copier(), client_that_reads_all()) == []


@pytest.mark.parametrize("name", ["healthy", "gang_healthy"])
def test_recording_the_wire_changes_no_run(name: str):
    """The same seed gives the same events, to the byte, with the recorder in the codec's place, however receivers tell messages apart."""
    staged = Staged(scenario.load(name))
    with WireReport() as report:
        recorded = simulate(staged, 3, wire=report)
    assert recorded == simulate(staged, 3)
    assert report.mismatches() == [each for each in report.mismatches() if each.what == "sent, never read"]


def test_the_epoch_that_workron_lost_is_named():
    """WR-01: the old build of the workers reads `preemptionepoch`; what is sent is `preemption_epoch`. A new build reads what is sent."""
    staged = Staged(scenario.load("gang_old_workers"))
    with WireReport() as old:
        simulate(staged, 1, switches={"epoch_field_renamed": True}, wire=old)
    with WireReport() as new:
        simulate(staged, 1, wire=new)
    reply = {(each.field, each.what) for each in old.mismatches() if each.message == "job.heartbeat_reply"}
    assert reply == {("preemption_epoch", "sent, never read"), ("preemptionepoch", "read, never sent")}
    assert "job.heartbeat_reply" not in {each.message for each in new.mismatches()}
