"""One alert rule of Prometheus, with what proves it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from timeline.links import notebook_link

RUNBOOKS = "docs/runbooks"
NOTEBOOKS = "http://127.0.0.1:2718"
"""Where `timeline serve` listens, if nobody says otherwise."""
KEEP_FIRING_MINUTES = 5
"""How long an alert stays after its cause is gone: against flapping, and so that what lasted a moment is seen by a person."""
RUN = "{{ $labels.run | urlquery }}"
"""The run of a series in an address, as Prometheus fills it in."""


@dataclass(frozen=True)
class Proof:
    """Series that the alert is silent under, then fires, then resolves."""

    series: Mapping[str, str]
    """Each series with one sample a minute, in promtool's notation."""
    silent: Sequence[int]
    """Minutes at which it must not fire: before, just below, while it waits, and after."""
    firing: Mapping[int, str]
    """Minutes at which it must fire, with what the description shows as the value."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the series that the alert has too."""


@dataclass(frozen=True)
class Alert:
    """One alert rule with its proof."""

    page: str
    """Its runbook, below the folder of runbooks."""
    severity: str
    wait_minutes: int
    """How long the expression holds before the alert fires."""
    expression: str
    summary: str
    """One fixed sentence: what is wrong, without values."""
    description: str
    """What is wrong, with labels and value, what it costs, and where to look."""
    proof: Proof
    detector: str | None = None
    """The detector whose findings it is about."""
    sections: Mapping[str, str] = field(default_factory=dict)
    """Heading to text of its runbook, where no detector has it: meaning, impact, diagnosis, mitigation."""

    @property
    def name(self) -> str:
        """`warm_pool/stale_hot_idle` is TimelineWarmPoolStaleHotIdle, `timeline/absent` is TimelineAbsent."""
        words = re.split("[/_]", f"timeline/{self.page.removeprefix('timeline/')}")
        return "".join(word.capitalize() for word in words)

    def annotations(self, runbooks: str, notebooks: str) -> dict[str, str]:
        """What it says when it fires, as templates of Prometheus."""
        return {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": f"{runbooks.rstrip('/')}/{self.page}.md",
            "notebook_url": self._notebook(notebooks),
        }

    def _notebook(self, base: str) -> str:
        """Where a person goes on: the findings of the detector, with one opened; for our own alerts the page without a choice."""
        if self.detector is None:
            return notebook_link(base, "what_leaked")
        return notebook_link(base, "what_leaked", run="RUN", detector=self.detector).replace("run=RUN", f"run={RUN}")
