"""A bundle: the run in one file with its report, its seed and the rules, which `timeline` opens as a database."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from ingest.database import first_row
from ingest.errors import UsageError
from ingest.roles import KindRole
from ingest.seed import Origin
from timeline import bundle, report
from timeline.alerting.deploy import rule_files
from timeline.exports import Chosen
from timeline.exports.parquet import parquet_bytes
from timeline.files import write_private
from timeline.log_table import log_table, shown_ids
from timeline.moment import shown
from timeline.redaction import redacted
from timeline.report.page import page_of
from timeline.seeds import seed_of_run
from timeline.version import DISTRIBUTION, installed_version

HELP = "The run in one file, FILE.bundle: log, report, seed, rules. It opens without the cluster: `timeline detect --db FILE.bundle`."
METAVAR = "FILE"

_ROLES = """
SELECT kind, role, activity, thing_role, holder_role, operation_role, scope_role, within_us, is_whole
FROM kind_role WHERE run_id = $run ORDER BY ALL
"""
README = """A run of a control plane, judged by decision-timeline.

report.html     open it in any browser: what leaked, why, what to do
findings.json   the same for programs
log.parquet     every decision; `timeline ingest log.parquet` loads it too
seed.json       `timeline replay seed.json` makes the same run again, where it was recorded
rules.yml       alert rules for Prometheus, and rules_test.yml their tests

Open the whole file as a database:   timeline detect --db FILE.bundle
"""


def write(chosen: Chosen, path: Path) -> list[Path]:
    """Write the bundle of the run. Raises UsageError where its name is not that of a bundle."""
    if not bundle.is_bundle(path):
        raise UsageError(f"writing the bundle {path}: name it {path.name}{bundle.SUFFIX}; by that it is known when it is opened")
    table, secrets = log_table(chosen.connection, chosen.run_id)
    seed = seed_of_run(chosen.connection, Origin(run_id=chosen.run_id), chosen.found)
    start_us, end_us, events = first_row(
        chosen.connection, "SELECT start_us, end_us, events FROM log_bounds WHERE run_id = $run", {"run": chosen.run_id}
    )
    roles = chosen.connection.execute(_ROLES, {"run": chosen.run_id}).fetchall()
    manifest = bundle.Manifest(
        made_by=f"{DISTRIBUTION} {installed_version() or 'from a source tree'}",
        duckdb=duckdb.__version__,
        run_id=chosen.run_id,
        events=events,
        start=shown(start_us),
        end=shown(end_us),
        findings=[one.finding_id for one in chosen.found],
        blacked_out=secrets,
        roles=[KindRole(*row) for row in roles],
        entries={},
    )
    told = chosen.report.model_dump(mode="json")
    told["findings"], _ = redacted(told["findings"], ids=shown_ids(chosen.connection, chosen.run_id))
    findings = json.dumps(told, ensure_ascii=True, indent=2) + "\n"
    texts = {
        "readme.txt": README,
        "findings.json": findings,
        "report.html": report.html(page_of(chosen)),
        **rule_files(),
        "seed.json": seed.to_text(),
    }
    write_private(path, bundle.pack(manifest, {bundle.LOG: parquet_bytes(table)} | {name: text.encode() for name, text in texts.items()}))
    return [path]
