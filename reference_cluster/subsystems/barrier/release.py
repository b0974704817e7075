"""The release: every member's endpoint is told to resume, all beside one another, each again until it has.

An answer of 200 proves nothing, for k6 answers so to any path; the answer has to say that the member is no longer paused.
"""

from __future__ import annotations

from ingest.events.barrier import BarrierReleaseAcked, BarrierReleaseAttempted, BarrierReleased, BarrierReleaseFailed
from reference_cluster.bugs import Bug
from reference_cluster.effects import Call, CallRefused, CallTimedOut, Emit, Now, Sleep, Start
from reference_cluster.records import STORE_NOW
from reference_cluster.subsystems.barrier.databags import APPLICATION, BARRIER
from reference_cluster.subsystems.barrier.k6 import STATUS_PATH
from reference_cluster.subsystems.barrier.messages import Patch, Status
from reference_cluster.subsystems.barrier.unit import Hook, HookFailed, unit_ref, why_of

POLL_US = 50_000

RELEASE_WITHOUT_EFFECT = Bug(
    name="release_without_effect",
    catalogue_id="K6-02",
    subsystem="barrier",
    scenario="barrier_slow_member",
    detectors=("barrier/release_without_effect",),
    story="The release goes to a path that the endpoint does not have; k6 answers 200 to it, and the members hold on.",
)
RELEASE_STOPS_AT_ERROR = Bug(
    name="release_stops_at_error",
    catalogue_id="K6-08",
    subsystem="barrier",
    scenario="barrier_release_error",
    detectors=("barrier/partial_release",),
    story="The first error ends the release and fails the hook: some members run, the others hold until Juju runs the hook again.",
)


async def release(hook: Hook, members: tuple[str, ...]) -> list[str]:
    """Release the members; those that could not be released within the bound. Raises HookFailed where one error is one too many."""
    barrier = hook.bags.app.text("barrier")
    if hook.unit.bugs.has(RELEASE_STOPS_AT_ERROR):
        await _one_after_another(hook, barrier, members)
        failed = []
    else:
        failed = await _all_at_once(hook, barrier, members)
    if not failed:
        changes = {"state": BARRIER.target(barrier, hook.bags.app.text("state"), "release"), "released_us": STORE_NOW}
        said = hook.about(BarrierReleased(expected=len(hook.bags.expected)), barrier, (hook.unit.ref("leader"),))
        hook.write(APPLICATION, changes, said)
    return failed


async def _one_after_another(hook: Hook, barrier: str, members: tuple[str, ...]) -> None:
    for number, member in enumerate(members):
        if not await _try(hook, barrier, member, 1):
            if number > 0:
                hook.unit.bugs.struck(RELEASE_STOPS_AT_ERROR, barrier)
            raise HookFailed("release_failed")


async def _all_at_once(hook: Hook, barrier: str, members: tuple[str, ...]) -> list[str]:
    ended: dict[str, bool] = {}
    for member in members:
        await Start(_persist(hook, barrier, member, ended), "charm")
    while len(ended) < len(members):
        await Sleep(POLL_US)
    return [member for member in members if not ended[member]]


async def _persist(hook: Hook, barrier: str, member: str, ended: dict[str, bool]) -> None:
    """Try until the member is released, or the bound has passed."""
    config, since_us, attempt = hook.unit.config, await Now(), 1
    while not await _try(hook, barrier, member, attempt):
        if await Now() - since_us > config.release_bound_us:
            ended[member] = False
            return
        await Sleep(config.release_retry_us)
        attempt += 1
    ended[member] = True


async def _try(hook: Hook, barrier: str, member: str, attempt: int) -> bool:
    """Tell one endpoint to resume. Whether it says that it has."""
    is_careless = hook.unit.bugs.has(RELEASE_WITHOUT_EFFECT)
    patch = Patch(path="/status", is_paused=True) if is_careless else Patch(path=STATUS_PATH, is_paused=False)
    refs = (unit_ref(member),)
    await Emit((hook.about(BarrierReleaseAttempted(attempt=attempt), barrier, refs),))
    try:
        status = await Call(f"{member}/api", patch, hook.unit.config.api_timeout_us)
        assert isinstance(status, Status), status
    except (CallTimedOut, CallRefused) as error:
        await Emit((hook.about(BarrierReleaseFailed(attempt=attempt), barrier, refs, **why_of(error)),))
        return False
    await Emit((hook.about(BarrierReleaseAcked(status_code=status.code, is_paused=status.is_paused), barrier, refs),))
    if is_careless:
        hook.unit.bugs.struck(RELEASE_WITHOUT_EFFECT, barrier)
    return is_careless or status.is_paused is False
