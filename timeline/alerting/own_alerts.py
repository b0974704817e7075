"""The alerts about the gauges themselves: where they are missing, old, or computed from a log that has stopped."""

from __future__ import annotations

from timeline.alerting.alert import Alert, Proof

HEARD = "timeline_log_last_event_timestamp_seconds"
MEASURED = "timeline_measured_timestamp_seconds"
LAG, COMMITTED = "timeline_ingest_lag_seconds", "timeline_ingest_last_success_timestamp_seconds"
LINES = 'timeline_ingest_lines_total{result=~"quarantined|conflict"}'
RUN = {"run": "east 1"}
FILE = {"file": "/var/log/cp-1.jsonl"}

OWN = (
    Alert(
        page="timeline/absent",
        severity="critical",
        wait_minutes=5,
        expression=f"absent({HEARD})",
        summary="Gauges of the decision timeline are missing.",
        description="Nobody measures the control plane: leaks and broken rules go unseen, and every other alert of this file is silent.",
        # A restart of two minutes is not worth waking anybody; the second gap lasts.
        proof=Proof(
            {f'{HEARD}{{run="east 1"}}': "0+60x4 stale _ 420+60x2 stale _x14 1500+60x20"},
            silent=(4, 6, 7, 14, 30),
            firing={15: "", 24: "", 29: ""},
        ),
        sections={
            "meaning": "Prometheus has no sample of the gauges. An alert on a finding cannot fire while this lasts.",
            "impact": "leaks and broken rules go unseen",
            "diagnosis": "does `timeline serve` run (`curl -sf http://127.0.0.1:2718/healthz`), does Prometheus reach it (its page Status, "
            "Targets), and does the database hold events (`timeline objects`)",
            "mitigation": "start it again: `timeline serve`; what was found meanwhile is shown when it is back, and the time that was "
            "missed can be loaded with `timeline gauges --openmetrics FILE`",
        },
    ),
    Alert(
        page="timeline/down",
        severity="critical",
        wait_minutes=5,
        expression="timeline_up == 0",
        summary="The database of the decision timeline cannot be measured.",
        description="The server answers, but its database is busy, damaged or gone: every other gauge stands still or is missing.",
        proof=Proof(
            {"timeline_up": "1x4 0x2 1x2 0x9 stale _ 0x4 1x20"},
            silent=(4, 7, 10, 15, 33),
            firing={16: "", 20: "", 22: "", 27: "", 32: ""},
        ),
        sections={
            "meaning": "Whoever answers the scrape could not read the database.",
            "impact": "leaks and broken rules go unseen",
            "diagnosis": "`timeline doctor` says who holds the database, or what is wrong with it; is the disk full (`df -h`)",
            "mitigation": "end the process that holds it, or mend it with `timeline db recover`; the database can always be made again by "
            "loading the logs",
        },
    ),
    Alert(
        page="timeline/not_measured",
        severity="warning",
        wait_minutes=1,
        expression=f"time() - {MEASURED} > 300",
        summary="The gauges of the decision timeline are old.",
        description="The gauges were last measured {{ $value | humanizeDuration }} ago: what Prometheus shows as now is as old as that.",
        proof=Proof(
            {MEASURED: "0+60x4 240x8 stale _ 240x3 1200+60x20"}, silent=(4, 9, 10, 25), firing={11: "7m 0s", 15: "9m 0s", 24: "15m 0s"}
        ),
        sections={
            "meaning": "The server answers scrapes with a measurement that it has not been able to make again.",
            "impact": "a leak that began since then is not counted",
            "diagnosis": "is a very large load going on (`timeline_ingest_lines_total` grows), or is the machine short of memory or "
            "processors (`top`)",
            "mitigation": "wait for the load to end; if nothing is being loaded, restart `timeline serve`",
        },
    ),
    Alert(
        page="timeline/log_silent",
        severity="warning",
        wait_minutes=5,
        expression=f"time() - {HEARD} > 600",
        summary="No decision event for ten minutes.",
        description="The last decision event of the run {{ $labels.run }} is {{ $value | humanizeDuration }} old. What leaked since then "
        "cannot be known.",
        proof=Proof(
            {f'{HEARD}{{run="east 1"}}': "0+60x4 240x12 stale _ 240x10 1860+60x20"},
            silent=(4, 14, 24, 36),
            firing={25: "21m 0s", 30: "26m 0s", 35: "26m 0s"},
            labels=RUN,
        ),
        sections={
            "meaning": "The gauges are there, but what they are computed from has stopped: every value is as old as the last event.",
            "impact": "what leaked since then cannot be known",
            "diagnosis": "does the control plane still write events (`tail` its log), and do they reach the database (`timeline objects`, "
            "`timeline rejected`)",
            "mitigation": "restart the recorder or the ingest; events that were written meanwhile are not lost. A run that has ended on "
            "purpose is silent too, until a day later it is no longer shown",
        },
    ),
    Alert(
        page="timeline/ingest_lag",
        severity="warning",
        wait_minutes=5,
        expression=f"{LAG} > 60 and time() - {COMMITTED} < 300",
        summary="Events wait for more than a minute to be read.",
        description="What was read of {{ $labels.file }} had waited for {{ $value | humanizeDuration }}: findings and alerts are as late.",
        # The lag of a file in which nothing is written any more says nothing of now.
        proof=Proof(
            {
                f'{LAG}{{file="{FILE["file"]}"}}': "1x4 60x9 61x7 stale _ 61x30",
                f'{COMMITTED}{{file="{FILE["file"]}"}}': "0+60x22 stale _ 1500+60x5 1800x24",
            },
            silent=(4, 14, 19, 40),
            firing={20: "1m 1s", 24: "1m 1s", 39: "1m 1s"},
            labels=FILE,
        ),
        sections={
            "meaning": "Follow mode reads on, but it is behind the file.",
            "impact": "findings and alerts are as late as the events",
            "diagnosis": "does something else hold the database for long (`timeline doctor`), is the disk slow, or are there more events "
            "than one process can load (`timeline_ingest_lines_total`)",
            "mitigation": "end the readers that hold the database; read it through `timeline serve` instead",
        },
    ),
    Alert(
        page="timeline/lines_rejected",
        severity="warning",
        wait_minutes=0,
        expression=f"{LINES} - min_over_time({LINES}[10m]) > 0",
        summary="Lines of the log were refused.",
        description="{{ $value }} lines became `{{ $labels.result }}` in ten minutes: what they say is in no timeline and in no finding.",
        proof=Proof(
            {
                'timeline_ingest_lines_total{result="quarantined"}': "0x4 3x3 stale _ 3x30",
                'timeline_ingest_lines_total{result="event"}': "0+99x40",
            },
            silent=(4, 20, 24),
            firing={5: "3", 9: "3", 14: "3", 19: "3"},
            labels={"result": "quarantined"},
        ),
        sections={
            "meaning": "A line was no event, or said something else under the id of an event that is here.",
            "impact": "a finding that rests on what is missing may be wrong, or is not there",
            "diagnosis": "`timeline rejected` lists the lines with the reason; was a program rolled out that writes another form",
            "mitigation": "mend the writer or the mapping file, then load the lines again with `timeline rejected --retry`",
        },
    ),
)
"""Each with its proof: silent, just below, firing with its exact text, resolved, and through a restart of the exporter."""
