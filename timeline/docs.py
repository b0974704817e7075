"""The reference pages, printed from what they describe: `python -m timeline.docs [FOLDER]` writes them again.

Events and tables come from the classes of `ingest.events`, models and detectors from their own headers, commands from
the program's own help. Nothing on these pages is written by hand, and a test fails when they are stale.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from ingest.events import FAMILIES, Decision, Event
from ingest.schema import TABLES, family_columns, family_table, typed_families, view_name
from ingest.sentences import described_schema
from timeline import catalog
from timeline.alerting.alert import KEEP_FIRING_MINUTES, Alert
from timeline.alerting.alerts import SEVERITIES, of_detector
from timeline.alerting.own_alerts import own_alerts
from timeline.catalog import Query
from timeline.files import write_whole
from timeline.gauges import DROPPED, NOT_LABELS, OF_DATABASE, OF_RUN, PREFIX
from timeline.gauges.openmetrics import OWN as OF_SCRAPE

HELP_COLUMNS = 110


def pages() -> dict[str, str]:
    """Every generated page: path below `docs/` to its text."""
    detectors = catalog.read(catalog.DETECTORS)
    made = {
        "events.md": _events(),
        "tables.md": _tables(),
        "detectors.md": _detectors(detectors.values()),
        "gauges.md": _gauges(),
        "commands.md": _commands(),
    }
    for name, detector in detectors.items():
        made[f"runbooks/{name}.md"] = _runbook(detector)
    for alert in own_alerts():
        made[f"runbooks/{alert.page}.md"] = _own_runbook(alert)
    return {path: f"{text.rstrip()}\n" for path, text in made.items()}


def write(folder: Path) -> None:
    """Write every page below `folder`; a runbook whose detector is gone goes too. Raises StorageFailed."""
    made = pages()
    for path, text in made.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, text)
    for runbook in sorted((folder / "runbooks").rglob("*.md")):
        if runbook.relative_to(folder).as_posix() not in made:
            runbook.unlink()


# ---- Markdown


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (headings, ["---"] * len(headings), *rows):
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in row) + " |"
    yield ""


def _page(title: str, source: str, *parts: str) -> list[str]:
    return [f"# {title}", "", f"<!-- made by `make docs` from {source}; change it there -->", "", *parts, ""]


def _prose(doc: str | None) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (doc or "").split("\n\n"))


def _sentence(text: str) -> str:
    """A header's value as a sentence: names in code stay as they are."""
    start = text if text.startswith("`") or "_" in text.partition(" ")[0] else f"{text[:1].upper()}{text[1:]}"
    return start if start.endswith((".", "?", "!")) else f"{start}."


# ---- events


def _events() -> str:
    lines = _page(
        "Events",
        "ingest/events",
        "One decision is one JSON object on one line. The envelope is the same for everybody; `data` holds the kind's own fields.",
        "Kinds that are not listed here load as they are and have timelines. `timeline schema` prints the same as JSON Schema.",
        "Fields beyond these are kept. An event that leaves out a field which its kind requires has its place in every timeline, "
        "but no detector reads it: what is missing is never made up.",
    )
    envelope = described_schema(Event)
    lines += ["## The envelope", "", *_fields(envelope)]
    for name, part in sorted(envelope["$defs"].items()):
        lines += [f"### {name}", "", _prose(part["description"]), "", *_fields(part)]
    for family, kinds in FAMILIES.items():
        lines += [f"## {family}", "", _prose(importlib.import_module(f"ingest.events.{family}").__doc__), ""]
        for decision in kinds:
            lines += _kind(decision)
    return "\n".join(lines)


def _kind(decision: type[Decision]) -> Iterator[str]:
    outcomes = ", ".join(f"`{outcome}`" for outcome in decision.outcomes)
    yield from (f"### {decision.kind}", "", _prose(decision.__doc__), "", f"Subject: {decision.subject_kind}. Outcome: {outcomes}.", "")
    if decision.model_fields:
        yield from _fields(described_schema(decision))


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    rows = (
        [f"`{name}`", _type(field), "yes" if name in required else "", field["description"]] for name, field in schema["properties"].items()
    )
    return _table(["field", "type", "required", "meaning"], rows)


def _type(schema: dict[str, Any]) -> str:
    """A JSON Schema type in words."""
    match schema:
        case {"$ref": path}:
            return str(path).rpartition("/")[2]
        case {"anyOf": choices}:
            return " or ".join(map(_type, choices))
        case {"enum": values}:
            return ", ".join(map(str, values))
        case {"items": items}:
            return f"list of {_type(items)}"
    return str(schema.get("type", "anything"))


# ---- tables


def _tables() -> str:
    lines = _page("Tables", "ingest/schema.py and timeline/models", "Times are microseconds UTC in `BIGINT` columns that end in `_us`.")
    lines += ["## What ingest writes", ""]
    for table, (doc, columns) in TABLES.items():
        lines += [f"### {table}", "", doc, "", *_columns(columns)]
    for family in typed_families():
        lines += [f"### {family_table(family)}", "", f"The own fields of every event of the family {family}, beside the envelope.", ""]
        lines += _columns(family_columns(family))
        views = ", ".join(f"`{view_name(decision.kind)}`" for decision in FAMILIES[family])
        lines += [f"A view for each kind: {views}.", ""]
    lines += ["## What the models rebuild", ""]
    for model in catalog.read(catalog.MODELS).values():
        rows = [[f"`{name}`", sentence] for name, sentence in model.columns.items()]
        lines += [f"### {model.name}", "", model.title, "", model.meaning, "", *_table(["column", "meaning"], rows)]
    return "\n".join(lines)


def _columns(columns: Iterable[Any]) -> Iterator[str]:
    return _table(["column", "type", "meaning"], ([f"`{column.name}`", column.type, column.doc] for column in columns))


# ---- detectors and runbooks


def _detectors(detectors: Iterable[Query]) -> str:
    lines = _page(
        "Detectors",
        "timeline/detectors",
        "Each finds one leak or one broken rule. A verdict is `found`, `pending` (the log ends too early to say) or `unknown` (the log",
        "lacks what is needed). Parameters are set with `timeline detect --param DETECTOR.NAME=VALUE`.",
    )
    by_family: dict[str, list[Query]] = {}
    for detector in detectors:
        by_family.setdefault(detector.name.rpartition("/")[0], []).append(detector)
    for family, members in by_family.items():
        rows = ([f"[{m.name}](runbooks/{m.name}.md)", m.fields["severity"], m.title, _parameters(m)] for m in members)
        lines += [f"## {family}", "", *_table(["detector", "severity", "finds", "parameters"], rows)]
    return "\n".join(lines)


def _parameters(detector: Query) -> str:
    return "; ".join(f"`{param.name}` = {param.default}, {param.doc}" for param in detector.params)


_OPENED = (
    "The link `notebook_url` of the alert opens the findings in a browser. In a terminal, each with `--db http://127.0.0.1:2718`, or "
    "wherever the server is that has the database:"
)


def _runbook(detector: Query) -> str:
    said = detector.fields["severity"]
    lines = _page(
        detector.title.rstrip("."),
        f"timeline/detectors/{detector.name}.sql",
        f"Detector `{detector.name}`, severity {said}, {detector.fields['catalogue']} of the catalogue.",
    )
    if said in SEVERITIES:
        lines += _alert(of_detector(detector))
    lines += ["## Meaning", "", detector.meaning, "", f"A finding says: *{detector.fields['says']}*", ""]
    lines += ["## Impact", "", _sentence(detector.fields["impact"]), ""]
    lines += ["## Diagnosis", "", _OPENED, ""]
    lines += _typed(
        (f"timeline detect --detector {detector.name}", "what was found, one sentence each, with the id of each finding"),
        ("timeline explain FINDING", "the events that prove it, and the causes that led to it"),
        ("timeline show KIND/ID", "everything that was decided about that object, and what each decision had seen"),
    )
    lines += ["Then:", "", _sentence(detector.fields["diagnosis"]), ""]
    lines += ["## Mitigation", "", _sentence(detector.fields["mitigation"]), "", "It is over when each finding has an end:", ""]
    lines += _typed((f"timeline detect --detector {detector.name} --json", "`until` is null while a finding lasts"))
    lines += ["## Reproduce", ""]
    lines += _typed(
        ("timeline export FINDING -o leak.seed.json", "the run as a replay seed"),
        ("timeline replay leak.seed.json", "the same interleaving again, on your machine"),
        ("timeline shrink leak.seed.json -o small.seed.json", "the smallest seed that still shows it"),
    )
    if detector.params:
        lines += ["## Parameters", "", *_table(["name", "default", "meaning"], ([p.name, str(p.default), p.doc] for p in detector.params))]
    lines += ["## Limits", "", f"Unknown where the log does not give {detector.fields['needs']}.", ""]
    lines += ["## Source", "", _sentence(detector.fields["source"])]
    return "\n".join(lines)


def _own_runbook(alert: Alert) -> str:
    lines = [*_page(alert.summary.rstrip("."), f"timeline/alerting/own/{alert.page.removeprefix('timeline/')}.toml")[:-1], *_alert(alert)]
    for heading, text in alert.sections.items():
        lines += [f"## {heading.capitalize()}", "", _sentence(text), ""]
    return "\n".join(lines)


def _alert(alert: Alert) -> Iterator[str]:
    """When the alert fires, for somebody whom it has just woken."""
    severity = "that of the finding" if "{{" in alert.severity else alert.severity
    minutes = f"{alert.wait_minutes} minute{'s' if alert.wait_minutes > 1 else ''}"
    waits = f"once it has held for {minutes}" if alert.wait_minutes else "at once"
    yield f"Alert `{alert.name}`, severity {severity}. It fires {waits}, and for {KEEP_FIRING_MINUTES} minutes after it is over, where"
    yield from ("", f"    {alert.expression}", "")


def _typed(*commands: tuple[str, str]) -> Iterator[str]:
    """Commands to type, each with what it tells."""
    width = max(len(command) for command, _ in commands)
    yield from (f"    {command.ljust(width)}   # {tells}" for command, tells in commands)
    yield ""


# ---- gauges


def _gauges() -> str:
    lines = _page(
        "Gauges",
        "timeline/gauges",
        "What `timeline serve` answers a scrape, `timeline gauges` prints, and `timeline gauges --openmetrics` writes as history that",
        "Prometheus can load. Labels are few and cleaned: an event chooses neither how many series there are nor what a label does to a",
        "page. `timeline rules` writes the alerts that look at them.",
    )
    dropped = [f"`{PREFIX}series_dropped_total`", "`gauge`", DROPPED]
    lines += ["Those of a run have its name as the label `run` as well.", ""]
    lines += _table(["of a run", "labels", "means"], [*_gauge_rows(OF_RUN), dropped])
    lines += ["The others are only scraped: they are about the database as it is, and have no history.", ""]
    lines += _table(["of the database", "labels", "means"], [*_gauge_rows(OF_DATABASE), *([f"`{n}`", "", t] for n, t in OF_SCRAPE.items())])
    for query in (*catalog.read(OF_RUN).values(), *catalog.read(OF_DATABASE).values()):
        lines += [f"## {PREFIX}{query.name}", "", query.title, query.meaning, ""]
    return "\n".join(lines)


def _gauge_rows(folder: Path) -> list[list[str]]:
    return [[f"`{PREFIX}{query.name}`", _labels(query), query.title] for query in catalog.read(folder).values()]


def _labels(gauge: Query) -> str:
    return ", ".join(f"`{name}`" for name in gauge.columns if name not in NOT_LABELS)


# ---- commands


def _commands() -> str:
    from timeline.cli import app

    lines = _page("Commands", "the program's own help", "Every command has `--help`.")
    for words, text in _help(typer.main.get_command(app), None, "timeline"):
        lines += [f"## {words}", "", "```text", text, "```", ""]
    return "\n".join(lines)


def _help(command: Any, parent: typer.Context | None, name: str) -> Iterator[tuple[str, str]]:
    """(command path, help) of a command and of those below it, each once, in order of name."""
    settings = {"terminal_width": HELP_COLUMNS, "max_content_width": HELP_COLUMNS, **command.context_settings}
    context = typer.Context(command, info_name=name, parent=parent, **settings)
    yield context.command_path, "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    for child, member in sorted(getattr(command, "commands", {}).items()):
        if not member.hidden:
            yield from _help(member, context, child)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs")
