"""Why an object was not written."""

from __future__ import annotations

from django.utils.translation import gettext as _

from console.exceptions.base import ConsoleError


class ObjectHeld(ConsoleError):
    """A pending run holds the object, so it cannot be changed or deleted. `run_id` names the run."""

    def __init__(self, obj: object, run_id: int, label: str, *, saving: bool = True) -> None:
        self.obj, self.run_id, self.label, self.saving = obj, run_id, label, saving
        what = _("Not saved.") if saving else _("Not deleted.")
        super().__init__(
            _(
                "%(what)s “%(object)s” is locked by %(label)s (run %(run)d). "
                "Try again when it has ended, or cancel the run."
            )
            % {"what": what, "object": obj, "label": label, "run": run_id}
        )

    def about(self, name: str) -> ObjectHeld:
        """Return the same error about an object that is called `name`."""
        return ObjectHeld(name, self.run_id, self.label, saving=self.saving)


class ObjectBusy(ConsoleError):
    """Another transaction keeps the object's row locked for longer than the guard waits."""

    def __init__(self, obj: object) -> None:
        self.obj = obj
        super().__init__(
            _("Not saved. “%(object)s” is being changed by somebody else this very moment. Try again.")
            % {"object": obj}
        )

    def about(self, name: str) -> ObjectBusy:
        """Return the same error about an object that is called `name`."""
        return ObjectBusy(name)


class WrongIsolation(RuntimeError):
    """Holds cannot be seen reliably in this transaction."""

    def __init__(self, level: str) -> None:
        super().__init__(
            f"A registered model was written in a transaction at {level}: the guard could miss a hold that was just "
            "taken. Use READ COMMITTED, the default, for transactions that write objects with operations."
        )
