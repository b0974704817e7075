"""`timeline cluster scenarios`: what can be simulated."""

from __future__ import annotations

from timeline.terminal import AsJson, print_json, print_line


def command(as_json: AsJson = False) -> None:
    """List the scenarios: what each shows, and where it comes from.

    Example:
        timeline cluster scenarios
    """
    from reference_cluster.scenario import load, names

    rows = [{"scenario": name, **load(name).model_dump(include={"title", "shows", "seed_document"})} for name in names()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print_line("{scenario:26} {shows}".format(**row))
