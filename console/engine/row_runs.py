"""Runs over the rows of a file that come from ended ones: the import after its preview, and the retry of what is left."""

from __future__ import annotations

from console.conf import settings
from console.engine import partitions
from console.engine.acceptance import prepare
from console.engine.drafts import Draft
from console.engine.preparing import open_work
from console.engine.rows import Source, again, described, failed_rows, is_whole
from console.engine.sizes import prepare_above
from console.engine.sources import Earlier, take_up
from console.engine.targets import drop_held, lock_objects
from console.exceptions import FileGone, NothingToRetry, PreviewOutdated, TooManyForAllOrNothing
from console.models import FAILS, Failure, Partition, Run
from console.operations.base import OnError

Only = Run.Only


def take_previewed(draft: Draft, preview: Run, on_error: str) -> None:
    """Let the draft's run import the rows of its preview, and hold the objects that the preview found them to change.

    Objects that others hold by then are not taken: each of their rows says so when it is reached.

    Raises:
        FileGone: The file was deleted, or has expired.
        PreviewOutdated: There is a newer preview of the file, with other columns.
        TooManyForAllOrNothing: The file is too long for one transaction.
    """
    source = described(preview)
    if not Source.of(preview).file.is_there:
        raise FileGone(source["name"])
    if on_error == OnError.STOP and source["count"] > settings.import_all_or_nothing:
        raise TooManyForAllOrNothing(source["count"], settings.import_all_or_nothing)
    if newer := newer_preview(preview):
        raise PreviewOutdated(newer)
    draft.run.on_error = on_error or draft.run.on_error
    draft.run.selection, draft.run.total = source, source["count"]
    earlier = Earlier(preview, Only.ALL)
    if earlier.exceeds(prepare_above()):
        prepare(draft, {**earlier.descriptor, "rows": source})
        draft.run.total = None
    else:
        draft.open_partitions = lambda run: _open_holding(draft, run, earlier)


def newer_preview(preview: Run) -> int | None:
    """Return the newest preview of the same file with other columns, if there is one."""
    same = Run.objects.filter(operation=preview.operation, dry_run=True, params__file=preview.params["file"])
    newer = same.filter(pk__gt=preview.pk).exclude(params=preview.params).order_by("-pk")
    return newer.values_list("pk", flat=True).first()


def _open_holding(draft: Draft, run: Run, earlier: Earlier) -> list[Partition]:
    assert draft.operation.model is not None
    take_up(run, draft.operation.model, earlier)
    lock_objects(run, draft.operation.model)
    drop_held(run, draft.operation.model)
    return open_work(run, draft.operation, sent=True)


def take_left(draft: Draft, old: Run, only: str, group: str) -> None:
    """Let the draft's run do the rows that an ended one has not done: those that failed, and those not reached.

    Raises:
        NothingToRetry: None is left.
    """
    draft.run.on_error = old.on_error
    source = described(old)
    if not source:
        prepare(draft, {"kind": "upload"})
        return
    draft.run.selection = source
    if is_whole(old) or old.preparing:  # nothing was done: what failed was undone with the rest
        if only == Only.FAILED:
            raise NothingToRetry(old.pk)
        draft.run.total = source["count"]
        draft.open_partitions = lambda run: open_work(run, draft.operation, sent=True)
        return
    mark = _mark(old, only, group)
    failed = failed_rows(mark).count()
    rest = _not_reached(old) if only == Only.UNDONE else []
    draft.run.total = failed + sum(count for _partition, count in rest)
    if not draft.run.total:
        raise NothingToRetry(old.pk)
    marks = [mark] if failed else []
    draft.open_partitions = lambda run: [
        *(partitions.create(run, sent=True, mark=mark) for mark in marks),
        *(_resumed(run, partition) for partition, _count in rest),
    ]


def _mark(old: Run, only: str, group: str) -> str:
    kinds = FAILS if only == Only.FAILED else FAILS | {Failure.Kind.HELD}
    taken = old.retries.filter(only=Only.FAILED).values_list("group", flat=True)
    return again(old, kinds, group, [] if group else taken)


def _not_reached(old: Run) -> list[tuple[Partition, int]]:
    """Return the partitions of a run that stopped early, each with how many of its rows are left."""
    stopped = old.partitions.filter(kind=Partition.Kind.WORK).exclude(outcome=Partition.Outcome.DONE).order_by("pk")
    left = [(partition, _left(old, partition)) for partition in stopped]
    return [(partition, count) for partition, count in left if count]


def _left(old: Run, partition: Partition) -> int:
    if partition.mark:
        return failed_rows(partition.mark).filter(pk__gt=partition.position).count()
    marks = old.partitions.filter(kind=Partition.Kind.WORK).exclude(mark="").values_list("mark", flat=True)
    others = sum(failed_rows(mark).count() for mark in marks)
    return (old.total or 0) - others - partition.done - partition.failed - partition.skipped


def _resumed(run: Run, old: Partition) -> Partition:
    return partitions.create(run, sent=True, position=old.position, part=old.part, mark=old.mark)
