"""The kinds of materials: one row each, and a module with its behaviour.

The module has a function `jobs(material, context)`, which returns the jobs that put the material in
place. It is imported when a task first brings such a thing.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from chalicelib.enums import MaterialKind
from chalicelib.executor.materials.context import MaterialContext
from chalicelib.executor.materials.jobs import Jobs
from chalicelib.executor.workspace import CannotStart
from chalicelib.messages import Material

MODULES = {
    MaterialKind.FILES: "files",
    MaterialKind.TOOL: "tools",
    MaterialKind.INPUT: "inputs",
}

JobMaker = Callable[[Material, MaterialContext], Jobs]


def jobs_of(material: Material, context: MaterialContext) -> Jobs:
    """Return the jobs that put `material` in place. Raises CannotStart for an unknown kind."""
    try:
        name = MODULES[MaterialKind(material.kind)]
    except ValueError:
        raise CannotStart(
            f"this executor is older than its scheduler and does not know what "
            f"`{material.kind}` is; finish the deployment",
            is_transient=True,
        ) from None
    module = import_module(f"chalicelib.executor.materials.{name}")
    return cast(JobMaker, module.jobs)(material, context)
