"""Why a finding is one: its evidence, the chain of causes before it, what to do about it, how to make it happen again."""

from __future__ import annotations

from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict

from timeline import catalog
from timeline.findings import Finding
from timeline.story import Decided, decisions

CHAIN_MAX = 100
"""Causes that are followed back at most."""

# Causes are followed a generation at a time: each asks this table, and none the whole database again.
_LED_TO = """
CREATE OR REPLACE TEMP TABLE led_to AS
SELECT event.event_id, cause_id FROM event_cause JOIN event USING (event_no) WHERE event.run_id = $run
"""
_PARENTS = "SELECT DISTINCT cause_id FROM led_to WHERE event_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY cause_id"


class Runbook(BaseModel):
    """What the detector's file says to a person who is woken by it."""

    model_config = ConfigDict(frozen=True)

    title: str
    meaning: str
    impact: str
    diagnosis: str
    mitigation: str
    source: str


class Explanation(BaseModel):
    """A finding with everything that speaks for it."""

    model_config = ConfigDict(frozen=True)

    finding: Finding
    evidence: list[Decided]
    """The decisions that prove it, in order."""
    chain: list[Decided]
    """The decisions that led to the first piece of evidence, earliest first, by their declared causes."""
    missing_causes: list[str]
    """Ids of causes that are not in the log."""
    runbook: Runbook
    commands: list[str]
    """The commands that export a seed of it and run that again."""


def explain_finding(connection: DuckDBPyConnection, finding: Finding) -> Explanation:
    """The whole case for a finding of this database."""
    evidence = decisions(connection, finding.run_id, finding.evidence)
    chain, missing = _chain(connection, finding.run_id, finding.evidence[:1])
    seed = f"{finding.finding_id}.seed.json"
    return Explanation(
        finding=finding,
        evidence=evidence,
        chain=chain,
        missing_causes=missing,
        runbook=runbook_of(finding.detector),
        commands=[f"timeline export {finding.finding_id} -o {seed}", f"timeline replay {seed}"],
    )


def _chain(connection: DuckDBPyConnection, run_id: str, effects: list[str]) -> tuple[list[Decided], list[str]]:
    """Causes of those events and their causes, back to decisions that name none."""
    connection.execute(_LED_TO, {"run": run_id})
    known = dict.fromkeys(effects)
    front = list(effects)
    while front and len(known) < CHAIN_MAX:
        parents = [cause for (cause,) in connection.execute(_PARENTS, {"ids": front}).fetchall()]
        front = [cause for cause in parents if cause not in known]
        known.update(dict.fromkeys(front))
    connection.execute("DROP TABLE temp.led_to")
    causes = [cause for cause in known if cause not in effects]
    found = decisions(connection, run_id, causes)
    there = {decided.event.event_id for decided in found}
    return found, [cause for cause in causes if cause not in there]


def runbook_of(detector: str) -> Runbook:
    """What the file of a detector says to a person."""
    query = catalog.read(catalog.DETECTORS)[detector]
    said = {name: query.fields.get(name, "") for name in ("impact", "diagnosis", "mitigation", "source")}
    return Runbook(title=query.title, meaning=query.meaning, **said)
