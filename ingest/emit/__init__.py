"""Emit decision events from a control plane written in Python: into a file, or to a running `timeline serve`.

    with Emitter("events.jsonl", run_id="prod", actor="cp-1/janitor") as emitter:
        parked = emitter.emit("worker.parked", "worker/w-1", refs={"owner": "control_plane/cp-1"}, outcome="committed")
        emitter.emit("worker.retired", "worker/w-1", caused_by=[parked], outcome="committed")

Nothing here needs more than the standard library, so that a control plane may copy this folder into its own tree; only
`validate=True` needs `ingest.events`. `emit` never waits for a disk or a network: a thread writes, and what finds no room is
counted in the stream itself. docs/emit.md tells the whole.
"""

from __future__ import annotations

from ingest.emit.emitter import DROPPED, Emitter
from ingest.emit.file_sink import FileSink
from ingest.emit.http_sink import HttpSink
from ingest.emit.seal import SealedSink
from ingest.emit.sink import BatchTooLarge, Sink, SinkBusy, SinkRefused
from ingest.emit.writer import Counts

__all__ = ["DROPPED", "BatchTooLarge", "Counts", "Emitter", "FileSink", "HttpSink", "SealedSink", "Sink", "SinkBusy", "SinkRefused"]
