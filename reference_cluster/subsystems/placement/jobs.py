"""A job file: YAML close to docker-compose, read safely, or a problem details object (RFC 9457) that says what is wrong.

An instance of a job is one pod with all its containers, so memory and local disk are sums over them. Shared volumes are
served from elsewhere and take no room on a node.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

PROBLEMS = "https://github.com/barrucadu/ozymandias/main/docs/errors.markdown"
TITLES = {
    "insufficient-memory": "Insufficient memory for job",
    "insufficient-disk": "Insufficient disk space for job",
    "invalid-job": "Job file cannot be used",
    "job-exists": "Job exists already",
    "job-not-found": "No such job",
    "store-unavailable": "The store does not answer",
    "conflict": "The schedule kept changing",
}
FILE_BYTES_MAX = 64 * 1024
_SIZE = re.compile(r"(\d+)([MGT])")
_UNITS_MB = {"M": 1, "G": 1024, "T": 1024 * 1024}


class Problem(Exception):
    """Why a user does not get what was asked for."""

    def __init__(self, reason: str, detail: str, job: str, required_mb: int | None = None, available_mb: int | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.title = TITLES[reason]
        self.detail = detail
        self.job = job
        self.required_mb = required_mb
        self.available_mb = available_mb

    def document(self) -> str:
        """The object as JSON, in the form of the seed document."""
        numbers = {"required_mb": self.required_mb, "available_mb": self.available_mb}
        known = {name: number for name, number in numbers.items() if number is not None}
        return json.dumps({"type": f"{PROBLEMS}#{self.reason}", "title": self.title, "detail": self.detail, "job": self.job, **known})


def megabytes(text: object) -> object:
    """`2G` as MiB; a number is MiB already."""
    if not isinstance(text, str):
        return text
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no size; write 100M, 2G, 1T")
    return int(match[1]) * _UNITS_MB[match[2]]


def in_words(mb: int) -> str:
    """MiB as people write them."""
    return f"{mb // 1024}G" if mb % 1024 == 0 else f"{mb}M"


Size = Annotated[int, BeforeValidator(megabytes), Field(ge=0, le=2**40)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$", min_length=1, max_length=41)]


Restart = Annotated[Literal["always", "on-failure", "no"], BeforeValidator(lambda value: "no" if value is False else value)]
"""When a container that ended is started again. YAML reads a bare `no` as false."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Healthcheck(_Part):
    """When an instance turns healthy, and when not."""

    type: Literal["http"] = "http"
    port: int = 80
    path: str = "/"
    timeout: int = Field(30, ge=1)
    """Seconds that a check may take."""
    interval: int = Field(60, ge=1)
    """Seconds between two checks."""
    healthy_threshold: int = Field(2, ge=1)
    unhealthy_threshold: int = Field(2, ge=1)


class Variable(_Part):
    """An environment variable."""

    name: str
    value: str


class Volume(_Part):
    """A place for files: shared by all instances, or local and lost with the instance."""

    type: Literal["shared", "local"]
    path: str
    space: Size


class Container(_Part):
    """One container of a pod."""

    image: str
    restart: Restart = "always"
    command: tuple[str, ...] = ()
    environment: tuple[Variable, ...] = ()
    ports: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    memory: Size
    """Hard limit: allocations past it fail."""
    healthcheck: Healthcheck | None = None
    volumes: tuple[Volume, ...] = ()


class Job(_Part):
    """A job file as it was understood. The first container speaks for the pod: its restart policy and health check count."""

    name: Name
    instances: int = Field(alias="numInstances", ge=0, le=1000)
    host: str = ""
    containers: dict[Name, Container] = Field(min_length=1)

    @property
    def memory_mb(self) -> int:
        """Memory of one instance."""
        return sum(container.memory for container in self.containers.values())

    @property
    def disk_mb(self) -> int:
        """Local disk of one instance."""
        return sum(volume.space for container in self.containers.values() for volume in container.volumes if volume.type == "local")

    @property
    def first(self) -> Container:
        """The container that speaks for the pod."""
        return next(iter(self.containers.values()))


@lru_cache(maxsize=64)
def parse(text: str) -> Job:
    """The job that a file describes. Raises Problem, with the place."""
    if len(text.encode()) > FILE_BYTES_MAX:
        raise Problem("invalid-job", f"The file has {len(text.encode())} bytes of at most {FILE_BYTES_MAX}.", "")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise Problem("invalid-job", f"{place}{getattr(error, 'problem', None) or 'not YAML'}.", "") from None
    named = str(document.get("name", "")) if isinstance(document, dict) else ""
    try:
        job = Job.model_validate(document)
    except (ValidationError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "too deep"}
        raise Problem("invalid-job", f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}.", named) from None
    return job if job.host else job.model_copy(update={"host": f"{job.name}.example"})
