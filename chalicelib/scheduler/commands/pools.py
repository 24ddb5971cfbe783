"""Commands about pools, the limits across DAGs: create, change and remove them."""

from __future__ import annotations

from chalicelib.database.queries import pools
from chalicelib.errors import Conflict, NotFound
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.transaction import unit_of_work


def put_pool(
    scheduler: SchedulerContext, name: str, slots: int, description: str = "", *, who: str
) -> None:
    """Create or change a pool. Shrinking it stops no running task."""
    with unit_of_work(scheduler) as work:
        pools.put(work.tx, name, slots, description, work.now)
        work.pools_to_dispatch.add(name)
        audit(work, who, "put pool", name, slots=slots)


def remove_pool(scheduler: SchedulerContext, name: str, *, who: str) -> None:
    """Remove a pool. Raises NotFound, or Conflict while a ready or running task needs it."""
    with unit_of_work(scheduler) as work:
        if pools.is_in_use(work.tx, name):
            raise Conflict(f"pool {name!r} is in use; wait until no ready or running task needs it")
        if not pools.remove(work.tx, name):
            raise NotFound(f"there is no pool {name!r}; GET /api/pools lists those that exist")
        audit(work, who, "remove pool", name)
