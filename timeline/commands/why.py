"""`timeline why`: where the time of a workload went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, note, print_json, print_line, print_table
from timeline.watch import watchable

if TYPE_CHECKING:
    from timeline.why import Part, Why

BAR = 36
"""Characters that stand for the whole."""

Runs = Annotated[list[str] | None, typer.Option("--run", metavar="ID", help="The run, where there are several; may be given again.")]


@watchable
def command(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="KIND/ID, an id, or the workload's name in its events.")],
    run: Runs = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Print why a workload waited: every microsecond from its submission to its completion, by reason, with the events that say so.

    The parts sum exactly to the whole. A life that the log does not end goes on to the end of the log. With several runs the
    JSON document is a list.

    Example:
        timeline why session/s-1
        timeline why session/s-1 --run monday --run tuesday
    """
    import timeline

    with timeline.open(db, note) as log:
        answers = [log.why(workload, one) for one in run] if run else [log.why(workload)]
    for answer in answers:
        if workload not in {f"{answer.kind}/{answer.id}", answer.id}:
            note(f"{workload} fits {answer.kind}/{answer.id} only")
    if as_json:
        documents = [answer.model_dump(mode="json") for answer in answers]
        print_json(documents if len(documents) > 1 else documents[0])
        return
    for number, answer in enumerate(answers):
        if number:
            print_line()
        _print(answer)


def _print(why: Why) -> None:
    from ingest.duration import duration

    def offset(at_us: int) -> str:
        return duration(at_us - why.log_start)

    end = "where the log ends" if why.ended_with is None else why.ended_with
    ran_us = why.whole_us - why.waited_us
    print_line(f"{why.kind}/{why.id} in the run {why.run_id}")
    print_line(f"from {why.began_with} at {offset(why.since)} to {end} at {offset(why.until)}")
    print_line(f"waited {duration(why.waited_us)} ({_percent(why.waited_us, why.whole_us)}), ran {duration(ran_us)}")
    print_line()
    rows = [[offset(part.since), duration(part.dur_us), part.reason, part.evidence[0]] for part in why.parts]
    ended = ["", "still open"] if why.parts[-1].is_open else ["ended", why.parts[-1].evidence[-1]]
    print_table(["at", "for", "reason", "since event"], [*rows, [offset(why.until), "", *ended]], under=_about(why.parts))
    print_line()
    shares = [[reason, duration(us), _percent(us, why.whole_us), _bar(us, why.whole_us)] for reason, us in why.reasons.items()]
    print_table(["reason", "sum", "share", ""], [*shares, ["whole", duration(why.whole_us), _percent(why.whole_us, why.whole_us), ""]])


def _about(parts: Sequence[Part]) -> Iterator[str]:
    """What each part says besides its reason. What the part before it waited for too, and nothing more, is not said again."""
    said: str | None = None
    for part in parts:
        about = ": ".join(filter(None, (part.waits_for, part.detail)))
        yield "" if about == said else about
        said = part.waits_for or said


def _percent(us: int, whole_us: int) -> str:
    whole, tenths = divmod((us * 1000 + whole_us // 2) // max(whole_us, 1), 10)
    return f"{whole}.{tenths}%"


def _bar(us: int, whole_us: int) -> str:
    """The share as a bar; what took any time at all can be seen."""
    return "█" * ((us * BAR + whole_us // 2) // max(whole_us, 1)) or ("▏" if us else "")
