"""What the header counts: runs that work, and runs that need somebody, until that person has dealt with them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.models import Dismissal, Run
from console.reports.words import number
from console.states import ACTIVE, State

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

WITHIN = timedelta(hours=24)


def active(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return those of `runs` that have not ended."""
    return runs.filter(_active())


def attention(runs: QuerySet[Run], user: AbstractUser | AnonymousUser) -> QuerySet[Run]:
    """Return those of `runs` that failed, or ended with failures, within a day; nobody retried, nor `user` dismissed them."""
    return runs.filter(_attention(user))


def needs_attention(run: Run, user: AbstractUser | AnonymousUser) -> bool:
    """Tell whether the header counts `run` among those that need `user`."""
    is_trouble = run.state == State.FAILED or run.failed > 0
    return is_trouble and attention(Run.objects.filter(pk=run.pk), user).exists()


def dismiss(runs: QuerySet[Run], user: AbstractUser | AnonymousUser) -> int:
    """Note that `user` has dealt with those of `runs` that need attention, and return how many they were."""
    assert user.pk is not None
    wanted = [Dismissal(run_id=pk, by_id=user.pk) for pk in attention(runs, user).values_list("pk", flat=True)]
    Dismissal.objects.bulk_create(wanted, ignore_conflicts=True)
    return len(wanted)


def counts(runs: QuerySet[Run], user: AbstractUser | AnonymousUser) -> tuple[int, int]:
    """Return how many of `runs` are active, and how many need the attention of `user`, in one query."""
    is_active, needs_user = _active(), _attention(user)
    either = runs.filter(is_active | needs_user)
    found = either.aggregate(active=Count("pk", filter=is_active), attention=Count("pk", filter=needs_user))
    return found["active"], found["attention"]


def counts_in_words(working: int, needing: int) -> str:
    """Return what the header says to those who cannot see it: “Console: 3 runs running, 1 needs attention”."""
    if not working and not needing:
        return _("Console: nothing runs, nothing needs attention")
    return _("Console: %(working)s, %(needing)s") % {
        "working": ngettext("%(count)s run running", "%(count)s runs running", working) % {"count": number(working)},
        "needing": ngettext("%(count)s needs attention", "%(count)s need attention", needing)
        % {"count": number(needing)},
    }


def _active() -> Q:
    return Q(state__in=sorted(ACTIVE))


def _attention(user: AbstractUser | AnonymousUser) -> Q:
    """Return the condition; the index `console_run_trouble` is of the same words."""
    trouble = Q(state=State.FAILED) | Q(failed__gt=0)
    retries = Run.objects.filter(retry_of=OuterRef("pk"))
    dismissed = Dismissal.objects.filter(run=OuterRef("pk"), by=user.pk)
    return Q(trouble, ~Exists(retries), ~Exists(dismissed), ended_at__gte=timezone.now() - WITHIN, dry_run=False)
