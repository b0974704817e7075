"""What is taken into production beside the program: `python -m timeline.alerting.deploy [FOLDER]` writes it again.

Rules with their tests for Prometheus, and the dashboard for Grafana, as `timeline rules` makes them; a test fails when they are stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

from timeline.alerting import alert_tests, alerts, yaml
from timeline.alerting.dashboard import document
from timeline.files import write_whole


def rule_files() -> dict[str, str]:
    """The rules and the test that proves them: name of the file to text."""
    return {
        "rules.yml": yaml.document(alerts.rules()),
        "rules_test.yml": yaml.document(alert_tests.promtool_file(alerts.alerts(), "rules.yml")),
    }


def files() -> dict[str, str]:
    """Path below `deploy/` to text."""
    return {f"prometheus/{name}": text for name, text in rule_files().items()} | {"grafana/dashboard.json": document()}


def write(folder: Path) -> None:
    """Write each below `folder`. Raises StorageFailed."""
    for path, text in files().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, text)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "deploy")
