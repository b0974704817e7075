"""`timeline cluster explore`: search interleavings for runs that fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.errors import UsageError
from timeline.terminal import AsJson, note, print_json, print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_cluster.sweeps.corpus import Stored
    from reference_cluster.sweeps.trials import Outcome, Quest

SHOWN_MAX = 5
"""Failing runs that are printed for each detector."""


def command(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A name that `scenarios` lists, or a .toml file.")],
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="How many seeds to try.")] = 200,
    first: Annotated[int, typer.Option("--from", metavar="N", min=0, help="The first of them.")] = 1,
    bug: Annotated[list[str] | None, typer.Option("--bug", metavar="B", help="Switch a planted bug on; may be given again.")] = None,
    strategy: Annotated[str, typer.Option("--strategy", metavar="S", help="random, pct or bounded.")] = "random",
    heal: Annotated[str, typer.Option("--heal", metavar="TIME", help="Time without faults at the end of each run.")] = "4m",
    budget: Annotated[str | None, typer.Option("--budget", metavar="TIME", help="Begin no run after so long, such as 10m.")] = None,
    until_failure: Annotated[bool, typer.Option("--until-failure", help="Stop at the first failures.")] = False,
    workers: Annotated[int | None, typer.Option("--workers", metavar="K", min=1, help="Processes; one a core.")] = None,
    corpus: Annotated[Path, typer.Option("--corpus", metavar="DIR", help="Folder of the failing seeds; they run first.")] = Path("corpus"),
    as_json: AsJson = False,
) -> None:
    """Try many seeds of a scenario under faults drawn from its family's menu, then healed; say which fail, and why.

    While faults strike, only an invariant may not be broken. Once they are over and the system has had time to heal,
    everything else must be in order too. With a bug on, what its clean twin does not show is a failure as well. The first
    failure of each detector is shrunk and kept in the corpus. `pct` puts processes in a random order of speed, `bounded`
    holds up a few single answers. Ends with 1 where a run failed.

    Example:
        timeline cluster explore gang_general --seeds 2000 --strategy pct --bug WR-16 --budget 10m
    """
    from reference_cluster.bugs import bug_named
    from reference_cluster.scenario import duration_us
    from reference_cluster.sweeps.corpus import store, stored, try_stored
    from reference_cluster.sweeps.explore import first_of_each, stretches, together, try_stretch
    from reference_cluster.sweeps.fleet import cores, shown, spread
    from reference_cluster.sweeps.shrinking import shrunk
    from reference_cluster.sweeps.strategies import FAULTS_MAX, STRATEGIES, ground_of
    from reference_cluster.sweeps.trials import Quest

    if strategy not in STRATEGIES:
        raise UsageError(f"exploring by the strategy {strategy!r}: there is none of that name; there are {', '.join(STRATEGIES)}")
    try:
        heal_us, budget_us = duration_us(heal), duration_us(budget or 0)
    except ValueError as error:
        raise UsageError(f"exploring {scenario}: {error}") from None
    assert isinstance(heal_us, int)
    assert isinstance(budget_us, int)
    quest = Quest(scenario, strategy, tuple(bug_named(name).name for name in bug or []), heal_us)
    workers = workers or cores()
    ground = ground_of(scenario)
    note(f"{scenario}, {strategy}: up to {FAULTS_MAX} faults a run from a menu of {len(ground.menu)}, {len(ground.actors)} actors")
    kept = [one for _, one in spread(try_stored, stored(corpus, scenario), workers)]
    work = stretches(quest, first, seeds)
    outcomes = []
    for _, outcome in shown(spread(try_stretch, work, workers, budget_us / 1e6 if budget else None), len(work), scenario):
        outcomes.append(outcome)
        if until_failure and outcome.failures:
            break
    total = together(outcomes)
    pairs = [(quest, failure) for failure in first_of_each(total.failures)]
    new = {failure.detector: store(corpus, seed) for (_, failure), seed in spread(shrunk, pairs, workers)}
    if as_json:
        print_json(_document(quest, total, kept, new))
    else:
        _tell(quest, total, kept, new)
    if total.failures or any(one.still_fails for one in kept):
        raise typer.Exit(1)


def _document(quest: Quest, total: Outcome, kept: Sequence[Stored], new: dict[str, Path]) -> dict[str, Any]:
    from reference_cluster.sweeps.explore import again, both_orders

    both = list(both_orders(total.pairs))
    return {
        "scenario": quest.scenario,
        "strategy": quest.strategy,
        "bugs": list(quest.bugs),
        "runs": total.runs,
        "failures": [
            {
                "seed": failure.trial.tape.random_seed,
                "detector": failure.detector,
                "reason": failure.reason,
                "subject": failure.subject,
                "says": failure.says,
                "again": again(quest, failure),
            }
            for failure in total.failures
        ],
        "excused": dict(sorted(total.excused.items())),
        "stored": {detector: str(path) for detector, path in sorted(new.items())},
        "corpus": [{"seed": str(one.path), "detectors": one.detectors, "still_fails": one.still_fails} for one in kept],
        "coverage": {
            "pairs_in_both_orders": [list(pair) for pair in both],
            "pairs_in_one_order": [list(pair) for pair in sorted(total.pairs) if pair[::-1] not in total.pairs],
            "detectors_fired": sorted(total.fired),
            "detectors_silent": sorted(total.judged - total.fired),
        },
    }


def _tell(quest: Quest, total: Outcome, kept: Sequence[Stored], new: dict[str, Path]) -> None:
    from reference_cluster.sweeps.explore import again, both_orders

    for one in kept:
        print_line(f"{one.path}: {'still fails' if one.still_fails else 'is mended'} ({', '.join(one.detectors)})")
    for detector in sorted({failure.detector for failure in total.failures}):
        failures = [failure for failure in total.failures if failure.detector == detector]
        print_line(f"{detector} in {len(failures)} of {total.runs} runs; kept as {new[detector]}")
        for failure in failures[:SHOWN_MAX]:
            print_line(f"  seed {failure.trial.tape.random_seed}, {failure.reason}: {failure.says}")
            print_line(f"    $ {again(quest, failure)}")
    both = len(list(both_orders(total.pairs)))
    print_line(f"{total.runs} runs, {len({failure.trial.origin.run_id for failure in total.failures})} failed")
    print_line(f"pairs of decisions seen in both orders: {both} of {len({frozenset(pair) for pair in total.pairs})}")
    print_line(f"excused while faults lasted: {', '.join(f'{name} {runs}' for name, runs in sorted(total.excused.items())) or 'none'}")
    print_line(f"detectors that never fired: {', '.join(sorted(total.judged - total.fired)) or 'none'}")
