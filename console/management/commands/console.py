"""``manage.py console``: the verbs of the console for the shell."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.engine import control
from console.engine.acceptance import Acceptance, accept
from console.engine.progress import progress, progress_of
from console.engine.sweeps import sweep
from console.exceptions import ConsoleError
from console.management import arguments, printing
from console.models import Run
from console.monitoring.doctor import examine
from console.monitoring.findings import Severity
from console.schedules.declared import sync
from console.states import ACTIVE


class Command(BaseCommand):
    """Starts, shows and steers runs from the shell, as the admin's pages do."""

    help = "Start, show and steer the runs of operations; sweep; ask the doctor."
    requires_system_checks = []  # the doctor has to be able to tell what is wrong

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare one parser for each verb."""
        arguments.declare(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Call the verb; what the console refuses ends the command with its sentence."""
        if options["verb"] != "doctor":
            self.check(tags=["console"])
        if "run" in options:
            arguments.find_run(options["run"])
        try:
            getattr(self, f"do_{options['verb'].replace('-', '_')}")(**options)
        except ConsoleError as error:
            raise CommandError(str(error)) from error

    # Questions

    def do_list(self, *, state: str, operation: str, active: bool, limit: int, **options: Any) -> None:
        """Print the newest runs."""
        runs = Run.objects.select_related("asked_by", "content_type")
        if active:
            runs = runs.filter(state__in=ACTIVE)
        if state:
            runs = runs.filter(state=state)
        if operation:
            runs = runs.filter(operation=operation)
        found = list(runs[:limit])
        progresses = progress_of(found)
        if options["json"]:
            self.print_json([printing.run_as_json(run, progresses[run.pk]) for run in found])
        else:
            self.print_lines(printing.run_line(run, progresses[run.pk]) for run in found)

    def do_show(self, *, run: int, **options: Any) -> None:
        """Print one run: state, sentence, counts, failures, history."""
        found = arguments.find_run(run)
        if options["json"]:
            self.print_json(printing.page_as_json(found, progress(found)))
        else:
            self.print_lines(printing.run_page(found, progress(found)))

    def do_sweep(self, **options: Any) -> None:
        """Send what is owed, and end what is over."""
        swept = sweep()
        if options["json"]:
            self.print_json(vars(swept))
        else:
            told = _("%(sent)s wake-ups sent, %(ended)s partitions ended, %(settled)s runs settled.")
            self.stdout.write(told % vars(swept))
        if swept.failed_sends:
            raise CommandError(_("The broker does not answer; what is owed is sent when it is back."))

    def do_sync_schedules(self, **options: Any) -> None:
        """Make and follow the schedules that the code declares, and print what was done with each."""
        told = list(sync())
        if options["json"]:
            self.print_json(told)
        else:
            self.print_lines(told or [_("The code declares no schedules.")])

    def do_doctor(self, **options: Any) -> None:
        """Print every finding; an urgent one makes the exit code 1."""
        findings = examine()
        if options["json"]:
            self.print_json([finding.as_json() for finding in findings])
        else:
            self.print_lines(line for finding in findings for line in printing.finding_lines(finding))
            if not findings:
                self.stdout.write(_("No findings. All is well."))
        urgent = sum(finding.severity == Severity.URGENT for finding in findings)
        if urgent:
            raise CommandError(
                ngettext("%(count)s urgent finding.", "%(count)s urgent findings.", urgent) % {"count": urgent}
            )

    # Verbs

    def do_start(self, *, operation: str, user: str | None, key: str | None, dry_run: bool, **options: Any) -> None:
        """Start an operation."""
        chosen = arguments.find_operation(operation)
        acceptance = accept(
            chosen,
            by=arguments.find_user(user),
            selection=arguments.selection_of(chosen, options["ids"], everything=options["all"]),
            params=arguments.params_of(options["param"]),
            key=key,
            dry_run=dry_run,
            leave_held_out=options["leave_held_out"],
            source="shell",
        )
        self.print_acceptance(acceptance, as_json=options["json"])

    def do_cancel(self, *, run: int, user: str | None, reason: str, **options: Any) -> None:
        """Cancel a run."""
        self.print_run(control.cancel(run, by=arguments.find_user(user), reason=reason), as_json=options["json"])

    def do_pause(self, *, run: int, user: str | None, reason: str, **options: Any) -> None:
        """Pause a run."""
        self.print_run(control.pause(run, by=arguments.find_user(user), reason=reason), as_json=options["json"])

    def do_resume(self, *, run: int, user: str | None, reason: str, **options: Any) -> None:
        """Resume a run."""
        self.print_run(control.resume(run, by=arguments.find_user(user), reason=reason), as_json=options["json"])

    def do_retry(self, *, run: int, user: str | None, reason: str, only: str, group: str, **options: Any) -> None:
        """Retry a run."""
        acceptance = control.retry(run, only=only, group=group, by=arguments.find_user(user), reason=reason)
        self.print_acceptance(acceptance, as_json=options["json"])

    def do_withdraw(self, *, run: int, user: str | None, reason: str, target: int | None, **options: Any) -> None:
        """Leave an object out of a run."""
        chosen = arguments.find_target(run, options["object"]) if target is None else target
        changed = control.withdraw(run, target=chosen, by=arguments.find_user(user), reason=reason)
        self.print_run(changed, as_json=options["json"])

    # Printing

    def print_acceptance(self, acceptance: Acceptance, *, as_json: bool) -> None:
        """Print the run that was started, and whether a worker was told."""
        run = arguments.find_run(acceptance.run.pk)
        if as_json:
            told = {"created": acceptance.created, "woken": acceptance.woken}
            self.print_json(printing.run_as_json(run, progress(run)) | told)
            return
        if not acceptance.created:
            self.stdout.write(_("Run %(run)s was started by the same key already.") % {"run": run.pk})
        if acceptance.woken is False:
            self.stdout.write(_("The broker is away: the run is safe, and starts when it is back."))
        self.print_run(run, as_json=False)

    def print_run(self, run: Run, *, as_json: bool) -> None:
        """Print one line on a run."""
        found = arguments.find_run(run.pk)
        if as_json:
            self.print_json(printing.run_as_json(found, progress(found)))
        else:
            self.stdout.write(printing.run_line(found, progress(found)))

    def print_lines(self, lines: Iterable[str]) -> None:
        """Print lines."""
        for line in lines:
            self.stdout.write(line)

    def print_json(self, value: object) -> None:
        """Print a value as JSON."""
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str))
