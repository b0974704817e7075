"""What can go wrong, by whose fault, and the exit code that says so. One table for the whole product."""

from __future__ import annotations


class TimelineError(Exception):
    """An error that a person can act on: the message says what was being done, the value, the place and the way out."""

    exit_code = 70


class UsageError(TimelineError):
    """A flag, a name or a parameter that cannot be used."""

    exit_code = 2


class InputRejected(TimelineError):
    """`--strict` was given and at least one line could not be read as an event; the good lines are loaded."""

    exit_code = 3


class DatabaseBusy(TimelineError):
    """Another process owns the database; its pid is named."""

    exit_code = 4


class DatabaseUnusable(TimelineError):
    """The database is damaged, of another version, or not ours. Nothing was changed."""

    exit_code = 5


class StorageFailed(TimelineError):
    """A read or write of a file failed. What was committed is safe."""

    exit_code = 6


class ReplayDiverged(TimelineError):
    """A replay took another decision than the recording."""

    exit_code = 7


class SeedInvalid(TimelineError):
    """A replay seed was refused before anything ran."""

    exit_code = 8


class UpstreamUnavailable(TimelineError):
    """Something outside did not answer: PostgreSQL, Prometheus, a scheduler."""

    exit_code = 9
