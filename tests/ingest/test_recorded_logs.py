"""Every recorded log has its way in: its content says what it is, or a shipped mapping does."""

from __future__ import annotations

from pathlib import Path

from ingest.load import explain
from ingest.mapping import shipped

SNIFFED = {
    "k8s-audit/audit2rbac-demo.audit.jsonl": "k8s_audit",
    "k8s-events/troubleshoot-failed-mount.events.json": "k8s_events_document",
    "k8s-events/troubleshoot-image-pull-fail.events.json": "k8s_events_document",
    "scheduler-trace/batsim-easy.swf": "swf",
    "process-log/running-example.xes": "xes",
    "process-log/ocel20_example.jsonocel": "ocel",
    "process-log/ocel20_example.xmlocel": "ocel",
    "process-log/ocel20_example.sqlite": "ocel",
    "workflow-history/workflow1.json": "temporal",
    "workflow-history/multiple-updates-canceled.json": "temporal",
    "workflow-history/hello-workflow-history.json": "temporal",
    "span-trace/chrome-unclosed-slices.trace.json": "chrome_trace",
    "replay-trace/simkube-dsb.trace.json": "simkube",
}
"""What each is taken for."""

MAPPED = {
    "lock-lease/lock_server_1lock_error.log.gz": "lock_log",
    "lock-lease/lock_server_1lock_happy.log.gz": "lock_log",
    **{f"start-end-pairs/{which}-unsorted/part_{part}.csv": "pairs_log" for which in ("error", "happy") for part in range(10)},
    "scheduler-trace/openb_pod_list_default.csv": "openb",
    "scheduler-trace/openb_node_list_all_node.csv": "openb_nodes",
    "scheduler-trace/batsim-easy.jobs.csv": "batsim",
    "process-log/receipt.csv": "receipt",
    "process-log/running-example.csv": "running_example",
}
"""Text without a form of its own, and the mapping that describes it. Other tests load each, and count."""

NO_LOGS = {"MANIFEST.md", "start-end-pairs/upstream-verdicts.txt"}


def test_each_file_is_known_by_its_content_or_has_a_mapping(shared_data: Path):
    """A file that is added there and forgotten here fails. Text is taken for no other format, and never for JSON."""
    taken = {str(Path(each.path).relative_to(shared_data)): each for each in explain([shared_data])}
    assert taken.keys() == SNIFFED.keys() | MAPPED.keys() | NO_LOGS
    assert {name: taken[name].format for name in SNIFFED} == SNIFFED
    assert set(MAPPED.values()) <= set(shipped())
    assert all("no line of its beginning is a JSON object" in taken[name].because for name in MAPPED)
