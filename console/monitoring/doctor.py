"""The doctor: looks at once, asks the broker too, and returns the list that pages and machines read."""

from __future__ import annotations

from django.db import DatabaseError, connections, router
from django.db.migrations.executor import MigrationExecutor

from console.engine import wakeups
from console.models import Run
from console.monitoring.findings import Finding, Severity, by_urgency
from console.monitoring.probes import ask_depths
from console.monitoring.rules import broken_settings
from console.monitoring.scene import look
from console.monitoring.watching import listed, watch


def examine() -> list[Finding]:
    """Return every finding, urgent ones first; an empty list means that all is well."""
    try:
        if missing := missing_migrations():
            facts = {"missing": ", ".join(missing)}
            return by_urgency([*broken_settings(), Finding("migrations", Severity.URGENT, facts=facts)])
        if not wakeups.is_eager():
            ask_depths(look())
        watch(settings_too=True)
        return listed()
    except DatabaseError as error:
        facts = {"error": str(error).strip()}
        return by_urgency([*broken_settings(), Finding("database", Severity.URGENT, facts=facts)])


def missing_migrations() -> list[str]:
    """Return the migrations of the console that the database lacks."""
    executor = MigrationExecutor(connections[router.db_for_write(Run)])
    ours = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == Run._meta.app_label]
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in executor.migration_plan(ours)]
