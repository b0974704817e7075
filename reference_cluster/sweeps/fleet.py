"""Work spread over the cores: each piece in a process of its own, answers as they come, until the budget is spent."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Piece = TypeVar("Piece")
Answer = TypeVar("Answer")

AHEAD = 2
"""Pieces that wait for each worker, so that none stands idle."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    work: Callable[[Piece], Answer], pieces: Sequence[Piece], workers: int, budget_seconds: float | None = None
) -> Iterator[tuple[Piece, Answer]]:
    """Each piece with its answer, in the order in which they are done; no piece is begun after the budget.

    With one worker everything happens here, in order. What `work` raises is raised here.
    """
    deadline = None if budget_seconds is None else time.monotonic() + budget_seconds
    begun = (piece for piece in pieces if deadline is None or time.monotonic() < deadline)
    if workers == 1:
        yield from ((piece, work(piece)) for piece in begun)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            yield from _as_done(pool, work, begun, workers * AHEAD)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _as_done(
    pool: ProcessPoolExecutor, work: Callable[[Piece], Answer], begun: Iterator[Piece], at_once: int
) -> Iterator[tuple[Piece, Answer]]:
    under_way: dict[Future[Answer], Piece] = {}
    while True:
        under_way |= {pool.submit(work, piece): piece for piece in islice(begun, at_once - len(under_way))}
        if not under_way:
            return
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            yield under_way.pop(future), future.result()


def shown(done: Iterable[Answer], total: int, what: str) -> Iterator[Answer]:
    """The same, with a bar on standard error where that is a terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=total)
        for answer in done:
            progress.advance(task)
            yield answer


def seconds_of(act: Callable[[], Answer]) -> tuple[Answer, float]:
    """What the act gives, and how long it took."""
    started = time.perf_counter()
    return act(), time.perf_counter() - started
