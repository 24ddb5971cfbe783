"""Commands about pools, the limits across DAGs: create, change and remove them."""

from __future__ import annotations

from chalicelib.database.queries import pools, shared_defaults
from chalicelib.errors import Conflict, NotFound
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.shared_defaults import forget_warnings
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork


def put_pool(
    scheduler: SchedulerContext, name: str, slots: int, description: str = "", *, who: str
) -> None:
    """Create or change a pool. Shrinking it stops no running task. Raises Conflict for a pool that
    a file defines."""
    with unit_of_work(scheduler) as work:
        _refuse_pool_of_file(work, name)
        pools.put(work.tx, name, slots, description, work.now)
        forget_warnings(work.tx, {name: slots})
        work.pools_to_dispatch.add(name)
        audit(work, who, "put pool", name, slots=slots)


def remove_pool(scheduler: SchedulerContext, name: str, *, who: str) -> None:
    """Remove a pool. Raises NotFound, or Conflict while a ready or running task needs it."""
    with unit_of_work(scheduler) as work:
        _refuse_pool_of_file(work, name)
        if pools.is_in_use(work.tx, name):
            raise Conflict(f"pool {name!r} is in use; wait until no ready or running task needs it")
        if not pools.remove(work.tx, name):
            raise NotFound(f"there is no pool {name!r}; GET /api/pools lists those that exist")
        audit(work, who, "remove pool", name)


def _refuse_pool_of_file(work: UnitOfWork, name: str) -> None:
    """Raise Conflict for a pool that a file defines: the file would overrule what is set here."""
    key = shared_defaults.pool_file(work.tx, name)
    if key is not None:
        raise Conflict(f"pool {name!r} is defined in {key!r}; change it there")
