"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from console import conf


class ConsoleConfig(AppConfig):
    """Wires the console into a project: the operations of every app, the guard, the checks, the heartbeats."""

    name = "console"
    verbose_name = _("Console")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find each app's ``operations`` module, then guard the models registered there."""
        from console import checks, tasks  # noqa: F401, PLC0415 - models must be loaded before these
        from console.admin.selection import resolve_changelist, resolve_run  # noqa: PLC0415
        from console.engine import cleaning, guard, selection  # noqa: F401, PLC0415
        from console.monitoring import heartbeats  # noqa: PLC0415
        from console.schedules import declared, retention  # noqa: F401, PLC0415

        autodiscover_modules("operations")
        guard.install()
        selection.register_resolver("changelist", resolve_changelist)
        selection.register_resolver("run", resolve_run)
        heartbeats.connect()
        if conf.settings.sync_schedules:
            post_migrate.connect(declared.sync_after_migrate, sender=self)
