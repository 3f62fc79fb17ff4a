"""What a ModelAdmin inherits."""

from __future__ import annotations

from console.admin.actions import ActionsPart
from console.admin.delete_selected import DeleteSelectedPart
from console.admin.deletion import DeletionPart
from console.admin.locked import LockedPart
from console.admin.panel import PanelPart
from console.admin.pending import PendingPart
from console.admin.rows import RowsPart


class OperationsMixin(PanelPart, DeleteSelectedPart, DeletionPart, LockedPart, ActionsPart, RowsPart, PendingPart):
    """Gives a ModelAdmin the operations registered for its model; inherit it before ``admin.ModelAdmin``.

    It adds the actions with their confirmation pages, the buttons on the change form, the lock with its banner, the
    panel of runs, the column and the filter “pending work”, and keeps deletion from undercutting a run. A ModelAdmin
    whose model has no operations looks as before, but still answers in words where it meets a hold.

    Attributes:
        trash: The field that marks an object as trashed, such as ``"trashed_at"``; empty where there is no trash.
    """
