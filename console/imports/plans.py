"""Which path the rows of a resource take."""

from __future__ import annotations

from typing import Any

from console.imports.bulk import BulkPath
from console.imports.hooked import HookedPath
from console.imports.obstacles import needs_objects, obstacles
from console.imports.paths import Path
from console.imports.rows import RowPath


def plan(resource: Any, **kwargs: Any) -> Path:
    """Choose how rows are written through `resource`: in bulk, unless something of it or its model stands against that.

    Args:
        resource: An instance of a ModelResource; it is the path's own from now on.
        kwargs: What ``import_data()`` would hand on to the resource's hooks.
    """
    why = tuple(dict.fromkeys(obstacles(resource)))
    if why:
        return RowPath(resource, kwargs, why)
    return HookedPath(resource, kwargs) if needs_objects(resource) else BulkPath(resource, kwargs)
