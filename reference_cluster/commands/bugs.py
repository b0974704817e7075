"""`timeline cluster bugs`: the defects that can be switched on."""

from __future__ import annotations

from timeline.terminal import AsJson, print_json, print_line


def command(as_json: AsJson = False) -> None:
    """List the planted bugs: switch, id, scenario, detectors.

    Example:
        timeline cluster bugs --json
    """
    from reference_cluster.bugs import declared_bugs

    rows = [
        {
            "bug": bug.name,
            "catalogue_id": bug.catalogue_id,
            "subsystem": bug.subsystem,
            "scenario": bug.scenario,
            "detectors": list(bug.detectors),
            "story": bug.story,
        }
        for bug in declared_bugs().values()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print_line("{catalogue_id:7} {bug:28} {scenario:26} {story}".format(**row))
