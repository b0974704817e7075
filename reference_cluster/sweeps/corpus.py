"""The corpus: a folder of seeds that failed once. They run first, and stay when the defect is mended: it may come back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ingest.errors import StorageFailed
from ingest.seed import ReplaySeed, read_seed
from reference_cluster.sweeps.trials import PROGRAM_FAILED, attempt
from timeline.files import write_whole

SUFFIX = ".seed.json"


@dataclass(frozen=True, slots=True)
class Stored:
    """A failing seed from before, tried again."""

    path: Path
    detectors: list[str]
    still_fails: bool


def store(corpus: Path, seed: ReplaySeed) -> Path:
    """Keep a failing seed, and say where. The same run always gets the same name. Raises StorageFailed."""
    try:
        corpus.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"keeping a failing seed in {corpus}: {error.strerror}") from None
    told = next((finding.detector.replace("/", ".") for finding in seed.expected.findings), PROGRAM_FAILED)
    identity = sha256(json.dumps([seed.scenario.model_dump(), seed.tape.model_dump()], sort_keys=True).encode()).hexdigest()
    path = corpus / f"{seed.scenario.name}-{told}-{identity[:8]}{SUFFIX}"
    write_whole(path, seed.to_text())
    return path


def stored(corpus: Path, scenario: str) -> list[tuple[Path, ReplaySeed]]:
    """The failing seeds of a scenario that were kept, in order of name. Raises SeedInvalid."""
    seeds = ((path, read_seed(path)) for path in sorted(corpus.glob(f"*{SUFFIX}")))
    return [(path, seed) for path, seed in seeds if seed.scenario.name == scenario]


def try_stored(kept: tuple[Path, ReplaySeed]) -> Stored:
    """Run a kept seed again: it fails where each of its detectors still finds something, or a program still fails."""
    path, seed = kept
    detectors = sorted({finding.detector for finding in seed.expected.findings})
    outcome = attempt([seed], heal_us=0, detectors=detectors)
    has_crashed = any(failure.detector == PROGRAM_FAILED for failure in outcome.failures)
    return Stored(path, detectors or [PROGRAM_FAILED], set(detectors) <= outcome.fired if detectors else has_crashed)
