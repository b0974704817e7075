"""A replay beside the run that it repeats: what to replay, what can be changed, what became of every finding. Plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.duration import duration
from ingest.errors import SeedInvalid, TimelineError, UsageError
from ingest.seed import Choices, ExpectedFinding, Replayed, ReplaySeed, parse_seed, read_seed
from timeline.api import Timeline
from timeline.diff import Divergence, changed_kinds, first_divergence
from timeline.drawn.lanes import Lanes
from timeline.findings import Finding
from timeline.pages import board
from timeline.pages.bounded_replay import run_bounded
from timeline.pages.opening import Given, Opening
from timeline.replays import choices_of
from timeline.words import count

SEED_FILES = "*.seed.json"
SEED_FILES_MAX = 100
"""Seed files beside a database that are offered."""
SWITCH = {"on": True, "off": False}

Runner = Callable[[ReplaySeed, Mapping[str, bool], Mapping[str, str]], Replayed]


@dataclass(frozen=True)
class Source:
    """Something that can be replayed."""

    finding: str | None = None
    """Id of the finding whose run it is, and which is expected again."""
    run: str | None = None
    """The run, where all of its findings are expected again."""
    file: Path | None = None
    """The seed file."""
    text: str | None = None
    """What is in it, where it was handed in and is no file of this machine."""


def sources(opened: Opening, given: Given) -> dict[str, Source]:
    """What can be replayed, by a label: a seed that was given, the findings of a run, the run, and the seed files beside its database."""
    run = opened.asked.run or next(iter(opened.runs), None)
    folder, own = Path(given.database).parent, given.seed_file
    files = sorted(folder.glob(SEED_FILES))[:SEED_FILES_MAX] if folder.is_dir() else []
    found = board.found(opened.there.detect(run=run)) if opened.there else []
    return {
        **({f"the seed file {own}": Source(file=own)} if own else {}),
        **{f"the finding {board.label(one)}": Source(finding=one.finding_id) for one in found},
        **({f"the run {run}": Source(run=run)} if run else {}),
        **{f"the seed file {file.name}": Source(file=file) for file in files if file != own},
    }


@dataclass(frozen=True)
class Begin:
    """What to begin with."""

    label: str
    note: str
    """What to say where the one that an address asks for is not there."""


def begin(there: Mapping[str, Source], finding: str | None, seed: str | None) -> Begin:
    """The source that an address asks for, else the first one.

    A seed is named by its file name: an address opens no file that is not beside the database.
    """
    fits = (
        label
        for label, one in there.items()
        if (finding and one.finding and one.finding.startswith(finding)) or (seed and one.file and one.file.name == Path(seed).name)
    )
    asked = next(fits, None)
    missing = f"seed file {seed} beside the database" if seed else f"finding {finding} in this log any more"
    note = "" if asked or not (seed or finding) else f"What the address names is not here: there is no {missing}."
    return Begin(asked or next(iter(there)), note)


def handed_in(name: str | None, contents: bytes | None) -> Source | None:
    """A seed that somebody handed to the page; none where nobody did."""
    if name is None or contents is None:
        return None
    file = Path(Path(name).name)
    return Source(file=file, text=contents.decode("utf-8", errors="replace"))


def seed_of(source: Source, log: Timeline | None) -> ReplaySeed:
    """The seed of a source. Raises SeedInvalid, UsageError."""
    if source.file is not None:
        return read_seed(source.file) if source.text is None else parse_seed(source.text, str(source.file))
    if log is None:
        raise UsageError("exporting a seed: there is no database to export it from")
    return log.export_finding(source.finding) if source.finding else log.export_run(source.run)


# ---- what can be changed


def switches_of(seed: ReplaySeed, choices: Choices, on: Sequence[str]) -> dict[str, bool]:
    """The switches that differ from the seed's own, where those in `on` and no others are on."""
    names = {*seed.scenario.switches, *choices.switches, *on}
    return {name: name in on for name in sorted(names) if (name in on) != seed.scenario.switches.get(name, False)}


def assigned(texts: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping; empty ones are passed over. Raises UsageError."""
    wanted = [text.strip() for text in texts if text.strip()]
    for text in wanted:
        if not text.partition("=")[0].strip() or not text.partition("=")[1]:
            raise UsageError(f"reading {text!r}: write NAME=VALUE, one a line")
    return {name.strip(): value.strip() for name, _, value in (text.partition("=") for text in wanted)}


def flags(given: Mapping[str, object], name: str) -> list[str]:
    """Every `--name KEY=VALUE` of a script's command line. marimo cuts an argument at its `=`, so the key has become part of the flag."""
    return [f"{flag.removeprefix(name).strip()}={value}" for flag, value in given.items() if flag.startswith(f"{name} ")]


def turned(texts: Sequence[str], seed: ReplaySeed) -> list[str]:
    """The switches that are on after `NAME=on` and `NAME=off` were applied to those of a seed. Raises UsageError."""
    on = [name for name, is_on in seed.scenario.switches.items() if is_on]
    wanted = assigned(texts)
    for name, value in wanted.items():
        if value not in SWITCH:
            raise UsageError(f"reading {name}={value}: write NAME=on or NAME=off")
    return [*(name for name in on if SWITCH[wanted.get(name, "on")]), *(name for name in wanted if name not in on and SWITCH[wanted[name]])]


CHOICE_HEADINGS = ("switch", "in the seed", "what it does")
POLICY_COLUMNS = 3
POLICY_HEADINGS = ("policy", "in the seed") * POLICY_COLUMNS


def choice_rows(seed: ReplaySeed, choices: Choices) -> list[tuple[str, ...]]:
    """The switches, those that are on first."""
    on = seed.scenario.switches
    rows = [(name, "on" if on.get(name) else "off", says) for name, says in choices.switches.items()]
    return sorted(rows, key=lambda row: row[1] != "on")


def policy_rows(choices: Choices) -> list[tuple[str, ...]]:
    """The policy values in as many columns as POLICY_HEADINGS has."""
    pairs = list(choices.policy.items())
    height = -(-len(pairs) // POLICY_COLUMNS)
    pairs += [("", "")] * (height * POLICY_COLUMNS - len(pairs))
    return [tuple(cell for column in range(POLICY_COLUMNS) for cell in pairs[row + column * height]) for row in range(height)]


# ---- before and after


@dataclass(frozen=True)
class Comparison:
    """A seed run as it is, and run otherwise."""

    switches: tuple[str, ...]
    """Switches that were turned, as `name=on` or `name=off`."""
    policy: tuple[str, ...]
    """Policy values that were set, as `name=value`."""
    is_faithful: bool | None
    """Whether the unchanged run is the recorded one, by digest; null where the seed does not tell."""
    before: list[Finding]
    after: list[Finding]
    events: tuple[int, int]
    divergence: Divergence | None
    """The first decision that differs between the two."""
    kinds: list[tuple[str, int, int, int]]
    """Decisions that differ: kind, changed, only before, only after; most first."""
    subject: str | None
    """The object that is drawn, `kind/id`."""
    lanes: tuple[Lanes | None, Lanes | None]
    """Its lanes in both runs; null where a run has none."""

    @property
    def changes(self) -> tuple[str, ...]:
        """What was changed; nothing where it was only run again."""
        return (*self.switches, *self.policy)


def compare(seed: ReplaySeed, switches: Mapping[str, bool], policy: Mapping[str, str], run: Runner = run_bounded) -> Comparison:
    """Run the seed as it is and with those changes, and hold one against the other. Raises SeedInvalid, UsageError."""
    is_changed = bool(switches or policy)
    unchanged = run(seed, {}, {})
    changed = run(seed, switches, policy) if is_changed else unchanged
    expected = seed.expected.digest
    with Timeline.in_memory(unchanged.lines) as old, Timeline.in_memory(changed.lines) as new:
        first, second = old.stream(), new.stream()
        before, after = board.found(old.detect()), board.found(new.detect())
        kinds = changed_kinds(first, second).rows() if is_changed else []
        subject = _subject(seed, before)
        bounds = [*old.runs().rows(), *new.runs().rows()]
        both = (min(start_us for _, _, start_us, _ in bounds), max(end_us for *_, end_us in bounds))
        return Comparison(
            switches=tuple(f"{name}={'on' if is_on else 'off'}" for name, is_on in switches.items()),
            policy=tuple(f"{name}={value}" for name, value in policy.items()),
            is_faithful=None if expected is None else unchanged.digest == expected,
            before=before,
            after=after,
            events=(len(first.frame), len(second.frame)),
            divergence=first_divergence(first, second) if is_changed else None,
            kinds=sorted(kinds, key=lambda row: (-sum(row[1:]), row[0])),
            subject=subject,
            lanes=(_lanes(old, subject, before, both), _lanes(new, subject, after, both)),
        )


def attempt(
    seed: ReplaySeed, choices: Choices, on: Sequence[str], policy: Sequence[str], run: Runner = run_bounded
) -> tuple[Comparison | None, str]:
    """The comparison, or why there is none, in a sentence."""
    try:
        return compare(seed, switches_of(seed, choices, on), assigned(policy), run), ""
    except TimelineError as error:
        return None, str(error)


def prepared(source: Source, log: Timeline | None) -> tuple[ReplaySeed | None, Choices, str]:
    """The seed of a source and what can be changed in it, or why it cannot be replayed, in a sentence."""
    seed = None
    try:
        seed = seed_of(source, log)
        return seed, choices_of(seed), ""
    except (SeedInvalid, UsageError) as error:
        return seed, Choices({}, {}), str(error)


def _subject(seed: ReplaySeed, found: Sequence[Finding]) -> str | None:
    expected = [one.subject for one in seed.expected.findings]
    return next(iter([*expected, *(_about(one) for one in found)]), None)


def _lanes(log: Timeline, subject: str | None, found: Sequence[Finding], window_us: tuple[int, int]) -> Lanes | None:
    """The lanes of that object and of what it touched; null where there is none."""
    if subject is None:
        return None
    try:
        lanes = log.happened(subject, None, found, window_us).lanes
    except UsageError:
        return None
    return None if lanes.lanes.is_empty() else lanes


# ---- in words

FATE_HEADINGS = ("what became of it", "about", "detector", "in the recording", "in this replay")
KIND_HEADINGS = ("decision", "not the same", "only in the recording", "only in this replay")


def answer(seed: ReplaySeed, comparison: Comparison | None) -> str:
    """Whether it happens again, and what the changes made of it: a few sentences with numbers."""
    expected = seed.expected.findings
    if comparison is None:
        on = sum(seed.scenario.switches.values())
        ready = f"{count(len(seed.tape.faults), 'fault')}, {count(on, 'switch')} on, {count(len(expected), 'finding')} expected"
        return f"Not replayed yet: the seed of {seed.origin.run_id} is ready ({ready}). Press Replay."
    same = {True: "byte for byte the recorded one", False: "NOT the recorded one", None: "complete, though nothing tells what it should be"}
    again = f"Run again as it was, it is {same[comparison.is_faithful]}: {count(len(comparison.before), 'finding')}."
    if not comparison.changes:
        return f"{again} {_shown_again(expected, comparison.before)}"
    fates = [fate for fate, *_ in fate_rows(seed, comparison)]
    gone, stays, new = (sum(fate.startswith(word) for fate in fates) for word in ("gone", "stays", "new"))
    wanted = fates.count("gone, expected")
    that = f", {'the one' if wanted == len(expected) == 1 else wanted} that the seed expects among them" if wanted else ""
    first = comparison.divergence
    if first is None:
        return f"With {', '.join(comparison.changes)} nothing changes: every decision is the same. {again}"
    where = f"The first decision that differs is number {first.index + 1:,}{f' of {first.actor}' if first.actor else ''}."
    return f"With {', '.join(comparison.changes)}: {count(gone, 'finding')} gone{that}, {stays} stay, {new} new. {where} {again}"


def _shown_again(expected: Sequence[ExpectedFinding], found: Sequence[Finding]) -> str:
    seen = {(one.detector, _about(one)) for one in found}
    missing = sum((one.detector, one.subject) not in seen for one in expected)
    if not expected:
        return "The seed expects no finding."
    return "Every finding that the seed expects is there." if not missing else f"{count(missing, 'expected finding')} missing."


def fate_rows(seed: ReplaySeed, comparison: Comparison) -> list[tuple[str, ...]]:
    """What became of each finding, as values under FATE_HEADINGS: those that the seed expects first, then gone, stays, new."""
    before, after = _by_key(comparison.before), _by_key(comparison.after)
    expected = {(one.detector, one.subject) for one in seed.expected.findings}
    rows = []
    for key in dict.fromkeys([*before, *after]):
        fate = "stays" if key in before and key in after else "gone" if key in before else "new"
        rows.append((key not in expected, fate, key[1], key[0], _says(before.get(key)), _says(after.get(key))))
    order = ("gone", "stays", "new")
    rows.sort(key=lambda row: (row[0], order.index(row[1])))
    return [(f"{fate}{'' if is_other else ', expected'}", *rest) for is_other, fate, *rest in rows]


def divergence_lines(comparison: Comparison) -> list[str]:
    """What both runs have in common, then the first decision in which they differ."""
    first = comparison.divergence
    if first is None:
        return []
    return [
        *(f"  {line}" for line in first.common),
        f"- {first.expected or 'nothing: the recorded run has no such decision'}",
        f"+ {first.actual or 'nothing: this replay has no such decision'}",
    ]


def kind_rows(comparison: Comparison, most: int = 12) -> list[tuple[str, ...]]:
    """The kinds of decisions that differ most, as values under KIND_HEADINGS."""
    rows = [(kind, *(f"{number:,}" for number in numbers)) for kind, *numbers in comparison.kinds]
    rest = [(f"and {len(rows) - most} more kinds", "", "", "")] if len(rows) > most else []
    return [*rows[:most], *rest]


def command_line(source: Source, database: str, comparison: Comparison | None) -> list[str]:
    """The commands that do the same without a page."""
    seed = str(source.file) if source.file else f"{source.finding or source.run}.seed.json"
    named = source.finding or f"--run {source.run}"
    export = [] if source.file else [f"timeline export {named} --db {database} -o {seed}"]
    turned, set_ = (comparison.switches, comparison.policy) if comparison else ((), ())
    flags = [*(f" --switch {one}" for one in turned), *(f" --policy {one}" for one in set_)]
    return [*export, f"timeline replay {seed}{''.join(flags)}"]


def _by_key(found: Sequence[Finding]) -> dict[tuple[str, str], Finding]:
    return {(one.detector, _about(one)): one for one in reversed(found)}


def _says(one: Finding | None) -> str:
    if one is None:
        return "not found"
    return f"{one.says}{'' if one.until is None else f' (ended after {duration(one.until - one.since)})'}"


def _about(one: Finding) -> str:
    return f"{one.subject.kind}/{one.subject.id}"
