"""Texts that would run in a browser if a page did not escape them, put wherever staff, objects or workers can put a text.

`Poisoned` makes runs, notes, people and results full of them; the tests of pages look for the raw text, and a browser can be
led to the same pages to see that ``window.hacked`` stays undefined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django_celery_results.models import TaskResult

from console.engine import control
from console.engine.acceptance import start
from console.exceptions import ItemFailed, Retry
from console.models import Attempt, Event, Failure, Partition, Run
from console.operations import ExternalOperation, Hold
from console.testing import declared, perform
from notes.models import Attachment, Note, Tag

# Leaves an attribute in either kind of quotes, then makes tags that run.
PAYLOAD = "\"'><img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
SHORT = "\"'><img src=x onerror=hacked=1>"  # where a column takes no more


@dataclass
class Poisoned:
    """The things full of payloads, and the addresses at which they are shown."""

    user: User
    note: Note
    tag: Tag
    failed: Run
    partly: Run
    holder: Run
    paused: Run
    waiting: Run
    dry: Run
    result: TaskResult
    operation: str
    alone: str

    def addresses(self) -> list[str]:
        """Return the addresses, for somebody who may see all."""
        group = self.failed.failures.values_list("group", flat=True)[0]
        target = self.holder.targets.values_list("pk", flat=True)[0]
        note = f"/admin/notes/note/{self.note.pk}"
        runs = (self.failed, self.partly, self.holder, self.paused, self.waiting, self.dry)
        return [
            "/admin/",
            "/admin/console/",
            "/admin/console/run/",
            f"/admin/console/run/?q={PAYLOAD}",
            f"/admin/console/run/?state={PAYLOAD}&operation={PAYLOAD}&who={PAYLOAD}&model={PAYLOAD}",
            "/admin/console/run/start/",
            f"/admin/console/run/start/{self.alone}/?text={PAYLOAD}",
            *(f"/admin/console/run/{run.pk}/{page}/" for run in runs for page in ("change", "history")),
            *(f"/admin/console/run/{run.pk}/progress/" for run in runs),
            f"/admin/console/run/summary/?runs={','.join(str(run.pk) for run in runs)}",
            f"/admin/console/run/{self.failed.pk}/change/?group={group}",
            f"/admin/console/run/{self.failed.pk}/change/?group={PAYLOAD}&after={PAYLOAD}&objects={PAYLOAD}",
            f"/admin/console/run/{self.failed.pk}/retry/",
            f"/admin/console/run/{self.failed.pk}/retry/?group={group}",
            f"/admin/console/run/{self.failed.pk}/retry/?group={PAYLOAD}",
            f"/admin/console/run/{self.failed.pk}/again/",
            f"/admin/console/run/{self.holder.pk}/cancel/",
            f"/admin/console/run/{self.holder.pk}/withdraw/?target={target}",
            f"/admin/console/run/{self.holder.pk}/withdraw/?target={PAYLOAD}",
            f"/admin/console/run/{self.paused.pk}/resume/",
            f"/admin/console/run/{self.dry.pk}/start/",
            f"/admin/console/run/{self.failed.pk}/undo/",
            f"/admin/console/run/{PAYLOAD}/change/",
            "/admin/notes/note/",
            f"/admin/notes/note/?q={PAYLOAD}",
            f"{note}/change/",
            f"{note}/delete/",
            f"{note}/history/",
            f"{note}/operation/{self.operation}/?text={PAYLOAD}",
            f"{note}/operation/{PAYLOAD}/",
            f"/admin/notes/tag/{self.tag.pk}/delete/",
            f"/admin/auth/user/{self.user.pk}/delete/",
            "/admin/django_celery_results/taskresult/",
            f"/admin/django_celery_results/taskresult/{self.result.pk}/change/",
        ]


class PoisonedForm(forms.Form):
    """Words, choices and errors full of payloads."""

    text = forms.CharField(label=PAYLOAD, initial=PAYLOAD, required=False)
    kind = forms.ChoiceField(choices=[("a", PAYLOAD), (PAYLOAD, "b")], required=False)
    tags = forms.ModelMultipleChoiceField(Tag.objects.all(), required=False)

    def clean_text(self) -> str:
        """Refuse one text, with an error that quotes it."""
        if self.cleaned_data["text"] == f"no {PAYLOAD}":
            raise forms.ValidationError(PAYLOAD)
        return str(self.cleaned_data["text"])


@contextmanager
def poisoned() -> Iterator[Poisoned]:
    """Yield the poisoned things; their operations exist inside the block."""
    user = User.objects.create_user(SHORT, first_name=SHORT, last_name=PAYLOAD, is_staff=True, is_superuser=True)
    tag = Tag.objects.create(name=SHORT, slug=SHORT)
    notes = [
        Note.objects.create(title=f"{n}{PAYLOAD}", slug=f"{n}{PAYLOAD}", body=PAYLOAD, author=user) for n in range(4)
    ]
    Attachment.objects.create(note=notes[0], name=SHORT, content=PAYLOAD)
    notes[0].tags.add(tag)
    with ExitStack() as stack:

        def declare(model: Any = Note, **given: Any) -> Any:
            words = {"label": PAYLOAD, "__doc__": PAYLOAD, "form": PoisonedForm, "queue": SHORT, **given}
            return stack.enter_context(declared(model, **words))

        params = {"text": PAYLOAD, "kind": PAYLOAD, "tags": [tag]}
        failing, fine = declare(process=_fail), declare(summary=lambda _operation: PAYLOAD, hold=Hold.SHARED)
        failed = perform(start(failing, by=user, objects=notes[1:3], params=params))
        waiting = perform(start(declare(process=_wait), by=user, objects=notes[3:], params=params))
        dry = perform(start(fine, by=user, objects=notes[:1], params=params, dry_run=True))
        partly = perform(start(failing, by=user, objects=notes[1:2], params=params))
        holder = start(fine, by=user, objects=notes[:1], params=params)
        paused = start(fine, by=user, objects=notes[:1], params=params)
        control.pause(paused.pk, by=user, reason=PAYLOAD)
        _poison_records(failed, waiting)
        result = TaskResult.objects.create(
            task_id=_task_of(failed),
            task_name=PAYLOAD,
            worker=SHORT,
            status="FAILURE",
            result=PAYLOAD,
            traceback=PAYLOAD,
        )
        alone = declare(None, base=ExternalOperation)
        yield Poisoned(
            user, notes[0], tag, failed, partly, holder, paused, waiting, dry, result, failing.name, alone.name
        )


def _fail(_operation: Any, chunk: Sequence[Note]) -> None:
    for note in chunk:
        raise ItemFailed(note, PAYLOAD, {PAYLOAD: PAYLOAD, "formula": "=1+1"})


def _wait(_operation: Any, _chunk: Sequence[Note]) -> None:
    raise Retry(PAYLOAD, after=60)


def _poison_records(failed: Run, waiting: Run) -> None:
    """Put payloads where workers and code write."""
    Run.objects.filter(pk=failed.pk).update(why=PAYLOAD, key=PAYLOAD, source=SHORT[:20], state="failed")
    Partition.objects.filter(run__in=[failed, waiting]).update(
        error=PAYLOAD, sample=[{"text": PAYLOAD, "app_label": SHORT, "model_name": SHORT, "pk": PAYLOAD}]
    )
    Attempt.objects.update(worker=PAYLOAD, error=PAYLOAD, traceback=PAYLOAD, task_id=SHORT)
    Failure.objects.update(traceback=PAYLOAD)
    Event.objects.create(run=failed, what=SHORT[:20], reason=PAYLOAD)


def _task_of(run: Run) -> str:
    return str(run.attempts.values_list("task_id", flat=True)[0])
