"""Clearing files away: expired ones, what ended runs left, and bytes that no record names; nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from console.engine import control
from console.engine.acceptance import start
from console.engine.cleaning import CleanFiles
from console.engine.files import keep
from console.models import File
from console.storage import storage
from console.testing import assert_succeeded, perform
from tests.admin.running import copied, copying

pytestmark = pytest.mark.django_db(transaction=True)
PAST = timezone.now() - timedelta(seconds=1)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """Keep the files of a test in a folder of its own."""
    place = {"BACKEND": "console.storage.PrivateStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "console": place}
    return tmp_path


def kept(**values: Any) -> File:
    """Keep a file."""
    return keep([b"a"], **{"kind": File.Kind.OUTPUT, "name": "notes.csv", **values})


def stored(folder: Path) -> Iterator[str]:
    """Return the names of the files in the storage."""
    return (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def cleaned(**values: Any) -> Any:
    """Return an ended clean-up."""
    run = perform(start(CleanFiles, **values))
    assert_succeeded(run)
    return run


def test_what_has_expired_goes_and_its_record_stays(folder: Path) -> None:
    """With the day on which it went; the others stay."""
    run = copied()
    old, new = kept(run=run), kept(run=run)
    File.objects.filter(pk=old.pk).update(expires_at=PAST)
    assert cleaned().done == 1
    old.refresh_from_db()
    assert old.deleted_at is not None
    assert list(stored(folder)) == [new.stored]


def test_an_upload_that_nobody_used_goes_with_its_record(folder: Path) -> None:
    """There is no run to tell of it."""
    kept(kind=File.Kind.INPUT)
    File.objects.update(expires_at=PAST)
    cleaned()
    assert not File.objects.exists()
    assert not list(stored(folder))


def test_what_an_active_run_needs_stays() -> None:
    """However long it is paused; when it has ended, its parts go, and what has expired."""
    run = copying()
    control.pause(run.pk)
    needed = [kept(run=run, kind=File.Kind.INPUT), kept(run=run, kind=File.Kind.PART, expires=False)]
    File.objects.filter(pk=needed[0].pk).update(expires_at=PAST)
    cleaned()
    assert File.objects.filter(deleted_at=None).count() == 2
    control.cancel(run.pk)
    cleaned()
    assert [(file.kind, file.deleted_at is not None) for file in File.objects.all()] == [("input", True)]


def test_bytes_that_no_record_names_go_when_they_are_old_enough(folder: Path) -> None:
    """Not those that may just be written by somebody; and empty folders go too."""
    file, today = kept(), kept()
    past = timezone.now() - timedelta(days=3)
    known = f"output/{past:%Y/%m/%d}/known"
    (folder / known).parent.mkdir(parents=True)
    (folder / file.stored).rename(folder / known)
    File.objects.filter(pk=file.pk).update(stored=known)
    lost = [f"output/{past:%Y/%m/%d}/lost", f"part/{past:%Y/%m/%d}/lost", f"part/{timezone.now():%Y/%m/%d}/writing"]
    for name in lost:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a")
    cleaned()
    assert set(stored(folder)) == {known, today.stored, lost[2]}
    assert not (folder / lost[1]).parent.exists()


def test_a_dry_run_deletes_nothing(folder: Path) -> None:
    """Nor the bytes, which no transaction brings back."""
    kept()
    File.objects.update(expires_at=PAST)
    cleaned(dry_run=True)
    assert len(list(stored(folder))) == 1
    assert File.objects.get().deleted_at is None


def test_many_files_go_in_bounded_chunks(settings: Any) -> None:
    """And a second clean-up finds nothing left."""
    settings.CONSOLE = {**settings.CONSOLE, "CHUNK_SIZE": 3, "CHUNK_SIZE_MAX": 3}
    run = copied()
    for _ in range(10):
        kept(run=run)
    File.objects.update(expires_at=PAST)
    assert cleaned().done == 10
    assert not File.objects.filter(deleted_at=None).exists()
    assert cleaned().done == 0


def test_a_storage_that_cannot_list_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expired files go all the same."""

    def unable(*_: Any) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(type(storage()), "listdir", unable)
    kept(run=copied())
    File.objects.update(expires_at=PAST)
    assert cleaned().done == 1
