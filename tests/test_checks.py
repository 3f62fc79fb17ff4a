"""The system checks: each unsafe setting and each faulty operation is named, and what is right is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from celery import Celery
from django import forms
from django.core.checks import CheckMessage, run_checks
from django.core.files.storage import Storage
from django.db.models import Model
from import_export.resources import ModelResource
from kombu import Queue

from console.checks import celery as celery_checks
from console.checks import databases, durations, files, web
from console.checks.operations import check_operation, check_queue
from console.exceptions import NoStorage
from console.middleware import HeldObjectMiddleware
from console.operations import BaseOperation, Copy, Export, ExternalOperation, Hold, Import, OnError, Operation, Update
from console.schedules.scheduler import Scheduler
from console.storage import storage
from notes.models import Note, Tag
from notes.operations import ExportNotes
from notes.resources import NoteResource

SAFE = {
    "broker_url": "redis://127.0.0.1:1/0",
    "broker_transport_options": {"socket_connect_timeout": 2, "socket_timeout": 5, "max_retries": 1},
    "worker_disable_prefetch": True,
    "task_publish_retry": False,
    "beat_scheduler": "console.schedules.scheduler:Scheduler",
    "timezone": "UTC",
    "CELERY_DB_REUSE_MAX": 1000,
}
SQLITE = {"OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL;"}}


def ids(messages: Iterable[CheckMessage]) -> set[str]:
    """Return the ids of messages, each of which has to name a cure."""
    found = list(messages)
    assert all(message.hint for message in found)
    return {str(message.id).removeprefix("console.") for message in found}


def conf(**changed: Any) -> Any:
    """Return the settings of a Celery application that is safe but for what is changed."""
    app = Celery("checked", set_as_current=False)
    app.conf.update({**SAFE, **changed})
    return app.conf


def celery_ids(**changed: Any) -> set[str]:
    """Return what the checks of Celery say."""
    settings = conf(**changed)
    parts: tuple[Callable[[Any], Iterable[CheckMessage]], ...] = (
        celery_checks.check_delivery,
        celery_checks.check_broker,
        celery_checks.check_content,
        celery_checks.check_clock,
    )
    return {found for part in parts for found in ids(part(settings))}


def test_the_reference_project_passes_every_check() -> None:
    """What ships as an example is safe, operations included."""
    assert [str(message) for message in run_checks(tags=["console"])] == []


def test_safe_celery_settings_pass() -> None:
    """No false alarm."""
    assert celery_ids() == set()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"task_acks_late": True}, "W001"),
        ({"task_always_eager": True}, "W002"),
        ({"beat_scheduler": "django_celery_beat.schedulers:DatabaseScheduler"}, "W003"),
        ({"beat_scheduler": "celery.beat:PersistentScheduler"}, "W003"),
        ({"beat_scheduler": "nowhere.to:BeFound"}, "W003"),
        ({"worker_disable_prefetch": False}, "W004"),
        ({"broker_transport_options": {**SAFE["broker_transport_options"], "visibility_timeout": 20}}, "W005"),  # type: ignore[dict-item]
        ({"broker_transport_options": {"socket_connect_timeout": 2}}, "W006"),
        ({"CELERY_DB_REUSE_MAX": None}, "W007"),
        ({"accept_content": ["json", "pickle"]}, "W008"),
        ({"result_serializer": "pickle"}, "W008"),
        ({"task_publish_retry": True}, "W009"),
        ({"timezone": "Europe/Lisbon"}, "W011"),
        ({"enable_utc": False}, "W011"),
        ({"worker_pool": "gevent"}, "W014"),
    ],
)
def test_an_unsafe_celery_setting_is_named(changed: dict[str, Any], expected: str) -> None:
    """One setting changed, one message."""
    assert celery_ids(**changed) == {expected}


def test_another_broker_than_redis_is_not_asked_for_its_options() -> None:
    """RabbitMQ knows neither visibility timeout nor this prefetch option."""
    changed = {"broker_url": "amqp://127.0.0.1//", "worker_disable_prefetch": False, "broker_transport_options": {}}
    assert celery_ids(**changed) == set()


def test_a_scheduler_that_inherits_from_ours_is_ours() -> None:
    """A project may extend the scheduler."""
    assert celery_checks.is_our_scheduler(f"{__name__}:OwnScheduler")


class OwnScheduler(Scheduler):
    """A project's own."""


def test_missing_apps_are_named(settings: Any) -> None:
    """No scheduler's app is an error; no results' app is a warning."""
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if not app.startswith("django_celery")]
    assert ids(celery_checks.check_apps()) == {"E001", "W010"}


def test_naive_times_are_refused(settings: Any) -> None:
    """Leases need aware times."""
    settings.USE_TZ = False
    assert celery_ids() == {"E005"}


def test_eager_is_left_alone_while_debugging(settings: Any) -> None:
    """With DEBUG it is a choice."""
    settings.DEBUG = True
    assert celery_ids(task_always_eager=True) == set()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set()),
        ({"OPTIONS": {**SQLITE["OPTIONS"], "transaction_mode": None}}, {"E002"}),
        ({"OPTIONS": {**SQLITE["OPTIONS"], "transaction_mode": "DEFERRED"}}, {"E002"}),
        ({"ATOMIC_REQUESTS": True}, {"E003"}),
        ({"OPTIONS": {**SQLITE["OPTIONS"], "init_command": "PRAGMA foreign_keys=ON"}}, {"W012"}),
        ({"OPTIONS": {**SQLITE["OPTIONS"], "timeout": 1}}, {"W013"}),
        ({"OPTIONS": {}}, {"E002", "W012", "W013"}),
    ],
)
def test_sqlite_options_are_checked(changed: dict[str, Any], expected: set[str]) -> None:
    """Immediate transactions, write-ahead log, patience, and no transaction around a request."""
    assert ids(databases.check_sqlite({**SQLITE, **changed})) == expected


@pytest.mark.parametrize(("level", "expected"), [(None, set()), (1, set()), (2, {"E004"}), (3, {"E004"})])
def test_only_read_committed_lets_the_guard_see(level: int | None, expected: set[str]) -> None:
    """PROTOCOL C7: other isolation levels hide a hold that was just taken (2 is repeatable read in psycopg)."""
    assert ids(databases.check_postgresql({"OPTIONS": {"isolation_level": level}})) == expected


@pytest.mark.parametrize(
    ("console", "expected"),
    [
        ({}, set()),
        ({"SLICE": 1, "TIMEOUT": 1, "MARGIN": 0.5, "SWEEP": 0.2, "REDELIVERY": 1}, set()),
        ({"MARGIN": 0}, {"E006"}),
        ({"SLICE": -1}, {"E006"}),
        ({"HEARTBEAT": "5"}, {"E006"}),
        ({"REDELIVERY": 1000, "REDELIVERY_MAX": 900}, {"E008"}),
        ({"SWEEP": 60}, {"E008"}),
        ({"CHUNK_TIME": 20, "SLICE": 10}, {"E008"}),
        ({"CHUNK_SIZE": 100_000}, {"E008"}),
    ],
)
def test_durations_have_to_fit_each_other(settings: Any, console: dict[str, Any], expected: set[str]) -> None:
    """A margin of 0 would let a lease end before its worker is stopped."""
    settings.CONSOLE = console
    assert ids(durations.check_durations()) == expected


class Sound(Operation):
    """Do nothing wrong."""

    name = "notes.sound"
    permission = "notes.change_note"
    model: ClassVar[type[Model] | None] = Note

    def process(self, objects: Any) -> None:
        """Do nothing."""


class Calling(ExternalOperation):
    """Call nobody."""

    name = "notes.calling"
    permission = "notes.change_note"


class BadForm(forms.Form):
    """Has names that the page keeps for itself."""

    action = forms.CharField()
    index = forms.CharField()
    select_across = forms.CharField()
    post = forms.CharField()


def variant(base: type[BaseOperation] = Sound, **attributes: Any) -> type[BaseOperation]:
    """Return an operation with other attributes, unregistered."""
    return type("Variant", (base,), attributes)


def test_a_sound_operation_passes() -> None:
    """No false alarm."""
    assert ids(check_operation(Sound)) == set()
    assert ids(check_operation(variant(Copy, name="notes.copied", permission="notes.add_note", model=Note))) == set()


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"name": "sound"}, "E011"),
        ({"name": "notes."}, "E011"),
        ({"form": type("F", (forms.Form,), {"_held": forms.CharField()})}, "E010"),
        ({"permission": None}, "W020"),
        ({"permission": "change_note"}, "E019"),
        ({"process": Operation.process}, "E013"),
        ({"free_fields": ("trashed",)}, "E014"),
        ({"related": ("label",)}, "E014"),
        ({"retry": 5}, "E015"),
        ({"max_failures": -1}, "E015"),
        ({"max_active": 0}, "E015"),
        ({"timeout": 0}, "E015"),
        ({"pace": 0}, "E015"),
        ({"priority": 10}, "E015"),
        ({"partitions": 0}, "E015"),
        ({"queue": ""}, "E015"),
        ({"hold": "tight"}, "E016"),
        ({"on_error": "panic"}, "E016"),
        ({"secret_params": ("password",)}, "E018"),
        ({"hold": Hold.NONE, "free_fields": ("trashed_at",)}, "W021"),
        ({"on_error": OnError.STOP, "max_failures": 3}, "W022"),
    ],
)
def test_a_faulty_operation_is_named(attributes: dict[str, Any], expected: str) -> None:
    """One fault, one message."""
    assert ids(check_operation(variant(**attributes))) == {expected}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"values": {"title": "Seen", "author_id": 1}}, set()),
        ({"values": lambda _self, _note: {}}, set()),
        ({"fields": ("title",), "form": type("F", (forms.Form,), {"title": forms.CharField()})}, set()),
        ({"add": {"tags": "more"}, "form": type("F", (forms.Form,), {"more": forms.CharField()})}, set()),
        ({}, {"E013"}),
        ({"values": {"headline": "Seen"}}, {"E014"}),
        ({"values": {"title": "Seen"}, "remove": {"labels": "less"}}, {"E014", "E018"}),
        ({"fields": ("title",)}, {"E018"}),
    ],
)
def test_an_update_names_what_there_is(attributes: dict[str, Any], expected: set[str]) -> None:
    """Columns and relations of the model, fields of the form, and something to write."""
    update = variant(Update, name="notes.update", permission="notes.change_note", model=Note, **attributes)
    assert ids(check_operation(update)) == expected


def test_a_copy_that_cannot_be_planned_is_named() -> None:
    """Better at the start of the site than at the first item."""
    copy = variant(Copy, name="notes.copied", permission="notes.add_note", model=Note, cleared=("headline",))
    assert ids(check_operation(copy)) == {"E017"}


def test_an_import_needs_a_resource_of_its_model() -> None:
    """None, one of another model, none to be registered for, a form that cannot carry what the pages ask."""

    class Tags(ModelResource):
        class Meta:
            model = Tag

    found = {"resource_class": NoteResource, "name": "notes.load", "model": Note, "permission": "notes.add_note"}
    for wrong, expected in (
        ({}, set()),
        ({"resource_class": None}, {"E030"}),
        ({"model": None}, {"E031"}),
        ({"resource_class": Tags}, {"E032"}),
        ({"form": forms.Form}, {"E033"}),
    ):
        assert ids(check_operation(type("Load", (Import,), found | wrong))) == expected


def test_every_reserved_name_is_refused() -> None:
    """The confirmation page's own names: one message for each."""
    told = [message.msg for message in check_operation(variant(form=BadForm)) if message.id == "console.E010"]
    assert len(told) == len(BadForm.base_fields)


def test_an_export_names_its_resource() -> None:
    """Without one there is nothing to write."""

    class Bare(Export):
        name = "notes.bare"
        permission = "notes.view_note"

    assert ids(check_operation(Bare)) == {"E013"}
    assert ids(check_operation(ExportNotes)) == set()


def test_an_external_operation_has_to_call() -> None:
    """Without call() every item would fail."""
    assert ids(check_operation(Calling)) == {"E013"}


def test_relations_of_a_model_are_known_by_their_names() -> None:
    """Many-to-many fields by name, children by their accessor; the trash mark is a column."""
    fine = variant(related=("tags", "attachments"), free_fields=("trashed_at",))
    assert ids(check_operation(fine)) == set()


def test_a_queue_that_is_not_declared_is_named() -> None:
    """Only where queues are declared: with none, Celery makes them."""
    assert ids(check_queue(Sound, [])) == set()
    assert ids(check_queue(Sound, [Queue("bulk")])) == set()
    assert ids(check_queue(Sound, [Queue("control")])) == {"W023"}


def test_missing_middleware_is_named() -> None:
    """Its subclass will do; a path that names nothing is another check's business."""
    assert ids(web.check_middleware(["no.such.Thing", "django.middleware.common.CommonMiddleware"])) == {"W015"}
    assert ids(web.check_middleware(["console.middleware.HeldObjectMiddleware"])) == set()
    assert ids(web.check_middleware([f"{__name__}.OwnMiddleware"])) == set()


class OwnMiddleware(HeldObjectMiddleware):
    """A project's own answer."""


class Elsewhere:
    """A router that keeps notes in another database."""

    def db_for_write(self, model: type[Model], **_: Any) -> str | None:
        """Return where a model is written."""
        return "elsewhere" if model is Note else None


def storage_ids(settings: Any, **storages: Any) -> set[str]:
    """Return what the checks say of a project with these storages."""
    settings.STORAGES = {name: given for name, given in {**settings.STORAGES, **storages}.items() if given}
    return ids(files.check_files())


def test_files_are_to_be_kept_in_a_private_place(settings: Any, tmp_path: Path) -> None:
    """Named, not served, not in memory, not where the media files are."""
    settings.MEDIA_ROOT = tmp_path / "media"

    def folder(path: str) -> dict[str, Any]:
        return {"BACKEND": "console.storage.PrivateStorage", "OPTIONS": {"location": tmp_path / path}}

    assert storage_ids(settings, console=folder("files")) == set()
    assert storage_ids(settings, console=folder("media/files")) == {"E021"}
    assert storage_ids(settings, console=settings.STORAGES["default"]) == {"E021"}
    assert storage_ids(settings, console={"BACKEND": "django.core.files.storage.InMemoryStorage"}) == {"E022"}
    assert storage_ids(settings, console=None) == {"W016"}
    assert Path(storage().path("a")) == tmp_path / "console-files" / "a"
    settings.MEDIA_ROOT = ""
    assert storage_ids(settings, console=None) == {"W016"}
    with pytest.raises(NoStorage):
        storage()


def test_a_storage_that_everybody_reads_is_named() -> None:
    """By its access list, or by addresses without a signature."""

    class Bucket(Storage):
        default_acl = "public-read"

    class Unsigned(Storage):
        querystring_auth = False

    assert ids(files.check_storage(Bucket())) == ids(files.check_storage(Unsigned())) == {"E021"}
    assert ids(files.check_storage(Storage())) == set()


def test_a_model_in_another_database_is_refused(settings: Any) -> None:
    """Effects and checkpoint have to commit together."""
    settings.DATABASE_ROUTERS = [f"{__name__}.Elsewhere"]
    assert ids(check_operation(Sound)) == {"E012"}


def test_the_documentation_lists_every_check() -> None:
    """docs/checks.md and the code name the same ids."""
    root = Path(__file__).parent.parent
    code = "".join(path.read_text(encoding="utf-8") for path in (root / "console" / "checks").glob("*.py"))
    documented = (root / "docs" / "checks.md").read_text(encoding="utf-8")
    pattern = re.compile(r"console\.[EW]\d{3}")
    assert set(pattern.findall(documented)) == set(pattern.findall(code))
