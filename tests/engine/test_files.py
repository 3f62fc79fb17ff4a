"""Keeping files: streamed, hashed, bounded, private; the bytes go with their record."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from console.engine.files import input_of, keep, open_file, output_of, remove, shown_name
from console.exceptions import FileEmpty, FileGone, FileTooLarge
from console.models import File, Run
from console.storage import storage
from tests.admin.running import copying

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """Keep the files of a test in a folder of its own."""
    settings.STORAGES = {
        **django_settings.STORAGES,
        "console": {"BACKEND": "console.storage.PrivateStorage", "OPTIONS": {"location": tmp_path}},
    }
    return tmp_path


def stored(folder: Path) -> list[Path]:
    """Return the files in the storage."""
    return [path for path in folder.rglob("*") if path.is_file()]


def kept(content: Any = (b"a,b\n", b"1,2\n"), **values: Any) -> File:
    """Keep an input."""
    return keep(content, **{"kind": File.Kind.INPUT, "name": "notes.csv", **values})


@pytest.mark.parametrize(
    "content",
    [(b"a,b\n", b"1,2\n"), io.BytesIO(b"a,b\n1,2\n"), SimpleUploadedFile("x", b"a,b\n1,2\n")],
    ids=["pieces", "open file", "upload"],
)
def test_a_file_is_kept_with_its_size_and_hash(content: Any) -> None:
    """Whatever it comes from, it is read back as it was."""
    file = kept(content)
    assert (file.size, file.sha256) == (8, hashlib.sha256(b"a,b\n1,2\n").hexdigest())
    with open_file(file) as opened:
        assert opened.read() == b"a,b\n1,2\n"


def test_a_file_is_streamed() -> None:
    """No more than a piece of it is asked for before the last one was written."""
    asked, written = [], []

    def pieces() -> Iterator[bytes]:
        for number in range(50):
            asked.append(number)
            written.append(sum(path.stat().st_size for path in stored(Path(storage().path("")))))
            yield b"x" * 100_000

    kept(pieces())
    assert written[-1] > 4_000_000


def test_only_the_servers_own_user_reads_it_and_it_has_no_address(folder: Path) -> None:
    """Neither by its folder, nor by a guess of its name."""
    file = kept(name="secret plan.csv")
    (path,) = stored(folder)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert "secret" not in file.stored
    with pytest.raises(ValueError, match="no address"):
        storage().url(file.stored)


def test_a_file_over_the_limit_leaves_nothing(folder: Path) -> None:
    """Whether its length is told beforehand or only found while it is read."""
    with pytest.raises(FileTooLarge, match=r"“notes\.csv” has 8"):
        kept(SimpleUploadedFile("x", b"a,b\n1,2\n"), limit=7)
    with pytest.raises(FileTooLarge, match="larger than the limit"):
        kept(limit=7)
    assert not stored(folder)
    assert not File.objects.exists()


def test_a_file_of_exactly_the_limit_is_kept() -> None:
    """The limit is the last length that is good."""
    assert kept(limit=8).size == 8


def test_an_empty_file_is_refused(folder: Path) -> None:
    """Nothing of it stays."""
    with pytest.raises(FileEmpty):
        kept([])
    assert not stored(folder)


def test_what_breaks_off_half_way_leaves_nothing(folder: Path) -> None:
    """The bytes that were written go."""

    def broken() -> Iterator[bytes]:
        yield b"a"
        raise OSError("cut off")

    with pytest.raises(OSError, match="cut off"):
        kept(broken())
    assert not stored(folder)


def test_the_bytes_go_with_the_run(folder: Path) -> None:
    """Once the deletion has committed, and not before."""
    run = copying()
    kept(run=run)
    with transaction.atomic():
        Run.objects.filter(pk=run.pk).delete()
        assert stored(folder)
    assert not stored(folder)


def test_the_bytes_stay_where_the_deletion_is_rolled_back(folder: Path) -> None:
    """What is still recorded can still be had."""
    run = copying()
    file = kept(run=run)
    with transaction.atomic():
        run.delete()
        transaction.set_rollback(True)
    with open_file(file) as opened:
        assert opened.read()


def test_removing_keeps_the_record(folder: Path) -> None:
    """Name, size, hash and dates are still told."""
    file = kept()
    assert remove(File.objects.all()) == 1
    assert remove(File.objects.all()) == 0
    file.refresh_from_db()
    assert file.deleted_at is not None
    assert not file.is_there
    assert not stored(folder)
    with pytest.raises(FileGone):
        open_file(file)


def test_an_expired_file_is_closed_though_not_yet_cleaned_up() -> None:
    """“Kept until” is also the day from which nobody gets it."""
    file = kept(keep_for=60)
    assert file.is_there
    file.expires_at = timezone.now() - timedelta(seconds=1)
    with pytest.raises(FileGone):
        open_file(file)


def test_a_file_that_the_storage_lost_is_gone(folder: Path) -> None:
    """And says so, instead of an error of the operating system."""
    file = kept()
    stored(folder)[0].unlink()
    with pytest.raises(FileGone):
        open_file(file)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("notes.csv", "notes.csv"),
        ("C:\\Users\\Ana\\notes.csv", "notes.csv"),
        ("../../etc/passwd", "passwd"),
        ("no\r\ntes\x00.csv", "notes.csv"),
        ("sloww\u202eexe.csv", "slowwexe.csv"),
        ("", "file"),
        ("x" * 300 + ".csv", "x" * 196 + ".csv"),
    ],
)
def test_a_name_is_made_safe_to_show(given: str, shown: str) -> None:
    """No folders, no characters that do not show or turn the others round."""
    assert shown_name(given) == shown


def test_a_run_finds_its_files_and_those_of_where_it_came_from() -> None:
    """A run that carries out a preview reads the file of the preview; what was written is its own."""
    preview, run = copying(), copying()
    Run.objects.filter(pk=run.pk).update(preview_of=preview)
    run.refresh_from_db()
    file = kept(run=preview)
    assert input_of(run) == input_of(preview) == file
    assert output_of(run) is None
    written = kept(run=run, kind=File.Kind.OUTPUT)
    assert output_of(run) == written
    assert output_of(preview) is None
