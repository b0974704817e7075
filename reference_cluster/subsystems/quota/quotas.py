"""The quota controller: how many slots a tenant may take in a zone."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.events.quota import QuotaChanged
from reference_cluster.effects import Commit, Committed, Program, Read, Receive, Said, Sleep, StoreDown
from reference_cluster.records import Put
from reference_cluster.subsystems.quota.messages import SetQuota
from reference_cluster.subsystems.quota.process import Controller


def run_quotas(slots: Mapping[str, int], me: Controller) -> Program:
    """Write the quotas that there are to be, then answer what is asked."""
    return _run(slots, me)


async def _run(quotas: Mapping[str, int], me: Controller) -> None:
    for quota, slots in sorted(quotas.items()):
        while not await _set(quota, slots, only_new=True):
            await Sleep(me.config.relist_us)
    while True:
        request = await Receive("quotas")
        assert isinstance(request.message, SetQuota), request.message
        while not await _set(request.message.quota, request.message.slots):
            await Sleep(me.config.relist_us)


async def _set(quota: str, slots: int, only_new: bool = False) -> bool:
    """Write a quota beside what is taken of it; whether it is as it was to be."""
    try:
        row = await Read("quota", quota)
    except StoreDown:
        return False
    if row is not None and (only_new or row["slots"] == slots):
        return True
    tenant, _, zone = quota.partition(".")
    version, used = (row.version, row.number("used")) if row is not None else (0, 0)
    changed = QuotaChanged(quota=quota, quota_version=version + 1, slots=slots, used=used)
    fields = {"slots": slots} if row is not None else {"slots": slots, "used": 0, "tenant": tenant, "zone": zone}
    put = Put("quota", quota, fields, {"version": version} if row is not None else None)
    return isinstance(await Commit((put,), (Said(changed, quota),), "quota.write"), Committed)
