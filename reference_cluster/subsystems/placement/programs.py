"""The programs of a scheduler process, each under the component that its events carry."""

from __future__ import annotations

from reference_cluster.effects import Start
from reference_cluster.subsystems.placement import ingress, leases, planner, runner, submissions
from reference_cluster.subsystems.placement.scheduler import Scheduler


async def run_scheduler(scheduler: Scheduler) -> None:
    """Join the cluster, then run everything."""
    await leases.join(scheduler)
    table = ingress.Table()
    await Start(leases.keep(scheduler), "lease")
    await Start(runner.run(scheduler), "runner")
    await Start(planner.plan(scheduler), "planner")
    await Start(submissions.serve(scheduler), "api")
    await Start(ingress.follow(scheduler, table), "ingress")
    await Start(ingress.serve(scheduler, table), "ingress")
