"""`timeline show`: one object's decision timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from timeline.decided import OFFSET, print_decided
from timeline.terminal import DEFAULT_DATABASE, AsJson, Database, Run, note, print_json, print_line, print_parts
from timeline.watch import watchable

if TYPE_CHECKING:
    from timeline.story import Story


@watchable
def command(
    name: Annotated[str, typer.Argument(metavar="KIND/ID", help="The object; a part of the id will do where it fits one object only.")],
    around: Annotated[str | None, typer.Option("--around", metavar="T", help="Only a minute before and after this moment.")] = None,
    is_brief: Annotated[bool, typer.Option("--brief", help="One screen: what others did in between is counted.")] = False,
    run: Run = None,
    db: Database = DEFAULT_DATABASE,
    as_json: AsJson = False,
) -> None:
    """Print what was decided about an object, in order, and beside each decision what it had seen.

    T is a time such as 2026-01-01T00:00:00Z, microseconds since 1970, +90s from where the log begins, or -5m from where it ends.

    Example:
        timeline show worker/w-1 --around +90s
        timeline show gang/train-1 --brief
    """
    import timeline

    with timeline.open(db, note) as log:
        run_id = log.run(run)
        story = log.show(name, run_id, None if around is None else log.moment(around, run_id))
    if story.id != name.partition("/")[2]:
        note(f"{name} fits {story.kind}/{story.id} only")
    if as_json:
        print_json(story.model_dump(mode="json"))
        return
    _print_head(story)
    if is_brief:
        _print_brief(story)
    else:
        for decided in story.decisions:
            print_decided(decided)


def _print_head(story: Story) -> None:
    from timeline.moment import shown

    begins, ends = shown(story.start_us), shown(story.end_us)
    print_parts((f"{story.kind}/{story.id}", "what"), f" in the run {story.run_id}, which begins {begins} and ends {ends}", hang=2)
    if story.state is not None:
        owner = "" if story.owner is None else f", owner {story.owner}"
        standing = "" if story.owner_state is None else f" ({story.owner_state})"
        print_parts("now ", (story.state, "what"), f" since {shown(story.since_us)}{owner}{standing}", hang=2)
    print_line()


def _print_brief(story: Story) -> None:
    from timeline.brief import brief

    lines = brief(story)
    if not lines:
        return
    actors, kinds = max(len(line.actor) for line in lines), max(len(line.what) for line in lines)
    for line in lines:
        what = line.what if line.is_own else f"  {line.what}"
        at, actor = f"{line.offset:>{OFFSET}}  ", f"{line.actor:<{actors}}"
        print_parts(at, (actor, "who"), f"  {what:<{kinds + 2}}  {line.about}", hang=OFFSET + 2)
