"""The operations on notes as runs: asked for, carried out by the engine, and told in their records."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from console.engine.acceptance import start
from console.engine.control import resume
from console.exceptions import InvalidParameters, NoDryRun, NotPermitted, ObjectHeld
from console.models import Failure
from console.states import State
from console.testing import assert_succeeded, perform
from notes.models import Attachment, AuthorStatistics, Note, Tag
from notes.newsletter import Fault, NewsletterServer

pytestmark = pytest.mark.django_db(transaction=True)


def make(*slugs: str, **values: Any) -> list[Note]:
    """Create notes."""
    return [Note.objects.create(title=slug.title(), slug=slug, **values) for slug in slugs]


def reasons(run: Any) -> dict[str, str]:
    """Return why items failed or were skipped, by the object's label."""
    return dict(Failure.objects.filter(run=run).values_list("object_label", "reason"))


class TestCopy:
    """notes.copy."""

    def test_copies_notes_with_all_that_belongs_to_them(self) -> None:
        """Each copy has the original's words, author, tags and attachments, and a slug of its own."""
        author = User.objects.create(username="ana")
        tag = Tag.objects.create(name="Ideas", slug="ideas")
        [tea] = make("tea", body="At four.", author=author)
        tea.tags.add(tag)
        tea.attachments.create(name="list.txt", content="cups")
        run = perform(start("notes.copy", objects=[tea], params={"copies": 10}))
        assert_succeeded(run)
        copies = Note.objects.exclude(pk=tea.pk)
        assert copies.count() == run.done == 10
        assert len({note.slug for note in copies}) == 10
        for copy in copies:
            assert (copy.body, copy.author) == ("At four.", author)
            assert list(copy.tags.all()) == [tag]
            assert [(a.name, a.content) for a in copy.attachments.all()] == [("list.txt", "cups")]

    def test_a_copy_of_what_is_out_of_sight_is_in_the_list(self) -> None:
        """A copy begins anew: neither in the trash, nor archived, nor published."""
        now = timezone.now()
        [tea] = make("tea", trashed_at=now, archived_at=now, published_at=now)
        assert_succeeded(perform(start("notes.copy", objects=[tea], params={"copies": 1})))
        copy = Note.objects.get()
        assert (copy.archived_at, copy.published_at) == (None, None)

    def test_makes_each_number_asked_for(self) -> None:
        """Three copies of two notes are six, and a second run makes as many again."""
        notes = make("tea", "rain")
        assert_succeeded(perform(start("notes.copy", objects=notes, params={"copies": 3})))
        assert Note.objects.count() == 8
        assert_succeeded(perform(start("notes.copy", objects=notes, params={"copies": 3})))
        assert Note.objects.count() == 14

    def test_names_the_note_that_was_deleted_before_it_started(self) -> None:
        """The others are copied, the deleted one is a failure that says so."""
        tea, rain = make("tea", "rain")
        run = start("notes.copy", objects=[tea, rain], params={"copies": 2})
        Note.all_objects.filter(pk=tea.pk)._raw_delete("default")  # past the guard, as SQL by hand would
        assert_succeeded(perform(run), failures=2)
        assert Note.objects.count() == 3
        assert Failure.objects.get(run=run).kind == Failure.Kind.GONE

    def test_lets_a_pending_note_be_trashed_and_nothing_else(self) -> None:
        """The trash mark stays free while copies are pending; the title does not."""
        [tea] = make("tea")
        start("notes.copy", objects=[tea], params={"copies": 1})
        tea.trashed_at = timezone.now()
        tea.save()
        tea.title = "Coffee"
        with pytest.raises(ObjectHeld):
            tea.save()
        with pytest.raises(ObjectHeld):
            tea.delete()

    @pytest.mark.parametrize("copies", [0, 100_001, "many"])
    def test_refuses_an_impossible_number(self, copies: Any) -> None:
        """Nothing is started."""
        with pytest.raises(InvalidParameters):
            start("notes.copy", objects=make("tea"), params={"copies": copies})


class TestRetag:
    """notes.retag."""

    def test_changes_the_tags_of_every_note(self) -> None:
        """One tag comes, one goes."""
        old, new = (Tag.objects.create(name=name, slug=name) for name in ("old", "new"))
        notes = make("tea", "rain")
        for note in notes:
            note.tags.add(old)
        run = perform(start("notes.retag", objects=notes, params={"add": [new], "remove": [old]}))
        assert_succeeded(run)
        assert [list(note.tags.all()) for note in notes] == [[new], [new]]

    def test_a_dry_run_changes_nothing(self) -> None:
        """It counts what would be done."""
        new = Tag.objects.create(name="new", slug="new")
        [tea] = make("tea")
        run = perform(start("notes.retag", objects=[tea], params={"add": [new]}, dry_run=True))
        assert_succeeded(run)
        assert run.done == 1
        assert not tea.tags.exists()


class TestMarks:
    """notes.archive, notes.trash, notes.restore."""

    @pytest.mark.parametrize(
        ("operation", "field", "before"),
        [
            ("notes.archive", "archived_at", False),
            ("notes.trash", "trashed_at", False),
            ("notes.restore", "trashed_at", True),
        ],
    )
    def test_change_what_is_not_so_yet_and_skip_the_rest(self, operation: str, field: str, *, before: bool) -> None:
        """The run tells both counts, and why it skipped."""
        marked, plain = make("marked", **{field: timezone.now()}) + make("plain")
        run = perform(start(operation, objects=[marked, plain]))
        assert_succeeded(run)
        assert (run.done, run.skipped) == (1, 1)
        assert {bool(value) for value in Note.all_objects.values_list(field, flat=True)} == {not before}
        assert list(reasons(run)) == ["Plain" if before else "Marked"]

    def test_nobody_changes_a_note_that_waits_to_be_archived(self) -> None:
        """The hold is exclusive, from acceptance on."""
        [tea] = make("tea")
        start("notes.archive", objects=[tea])
        with pytest.raises(ObjectHeld):
            tea.save()
        with pytest.raises(ObjectHeld):
            tea.attachments.create(name="late.txt")


class TestDelete:
    """notes.delete."""

    def test_deletes_for_good_with_the_cascade(self) -> None:
        """Notes in and out of the trash, their attachments and the rows to their tags; the tags stay."""
        tag = Tag.objects.create(name="Ideas", slug="ideas")
        notes = make("tea", "rain") + make("dust", trashed_at=timezone.now())
        for note in notes:
            note.tags.add(tag)
            note.attachments.create(name="list.txt")
        [kept] = make("kept")
        run = perform(start("notes.delete", objects=notes))
        assert_succeeded(run)
        assert run.done == 3
        assert list(Note.all_objects.all()) == [kept]
        assert not Attachment.objects.exists()
        assert Tag.objects.get() == tag


class TestPublish:
    """notes.publish, against the real service."""

    def test_publishes_each_note_once(self, newsletter: NewsletterServer) -> None:
        """Every note is sent under a key of its own and stored as published."""
        notes = make("tea", "rain", "moss")
        run = perform(start("notes.publish", objects=notes))
        assert_succeeded(run)
        log = newsletter.newsletter.log()
        assert log["published"] == 3
        assert [line["slug"] for line in log["requests"]] == ["tea", "rain", "moss"]
        first = run.partitions.get().sample[0]
        assert (first["pk"], first["text"][:18]) == (str(notes[0].pk), "Tea, published as ")
        assert not Note.objects.filter(published_at=None).exists()

    def test_waits_while_the_service_is_away_and_goes_on(self, newsletter: NewsletterServer) -> None:
        """A 503 rolls nothing forward; the same key is sent again, and counts once."""
        newsletter.newsletter.misbehave(Fault("fail", 503, times=1))
        run = perform(start("notes.publish", objects=make("tea")))
        assert run.state == State.WAITING
        resume(run.pk)
        assert_succeeded(perform(run))
        first, second = newsletter.newsletter.log()["requests"]
        assert (first["answer"], second["answer"]) == (503, 200)
        assert first["key"] == second["key"]

    def test_a_lost_answer_does_not_publish_twice(self, newsletter: NewsletterServer) -> None:
        """The retry finds what the first request had published."""
        newsletter.newsletter.misbehave(Fault("lose", value=True, times=1))
        run = perform(start("notes.publish", objects=make("tea")))
        assert run.state == State.WAITING
        resume(run.pk)
        assert_succeeded(perform(run))
        assert newsletter.newsletter.log()["published"] == 1

    def test_a_refused_note_fails_alone(self, newsletter: NewsletterServer) -> None:
        """The report names it with the service's reason; the others are out."""
        newsletter.newsletter.misbehave(Fault("reject", value=True, slug="rain"))
        run = perform(start("notes.publish", objects=make("tea", "rain", "moss")))
        assert_succeeded(run, failures=1)
        phrase = HTTPStatus.UNPROCESSABLE_ENTITY.phrase  # differs between versions of Python
        assert reasons(run) == {"Rain": f"The newsletter service refused it: 422 {phrase}."}
        assert set(Note.objects.filter(published_at=None).values_list("slug", flat=True)) == {"rain"}

    def test_has_no_dry_run(self) -> None:
        """What was sent cannot be taken back."""
        with pytest.raises(NoDryRun):
            start("notes.publish", objects=make("tea"), dry_run=True)


class TestStatistics:
    """notes.statistics."""

    def test_counts_every_author(self) -> None:
        """One item an author, and the table holds the counts."""
        for name, count in (("ana", 2), ("otto", 1)):
            make(*(f"{name}-{n}" for n in range(count)), author=User.objects.create(username=name))
        run = perform(start("notes.statistics"))
        assert_succeeded(run)
        assert run.done == 2
        assert dict(AuthorStatistics.objects.values_list("author__username", "notes")) == {"ana": 2, "otto": 1}


@pytest.mark.parametrize(
    ("operation", "codename"),
    [
        ("notes.copy", "add_note"),
        ("notes.archive", "change_note"),
        ("notes.trash", "delete_note"),
        ("notes.delete", "delete_note"),
        ("notes.publish", "change_note"),
    ],
)
def test_starting_needs_its_permission(operation: str, codename: str) -> None:
    """Without it nothing starts; with it alone the run is accepted."""
    person = get_user_model().objects.create(username="ana")
    params = {"copies": 1} if operation == "notes.copy" else {}
    notes = make("tea")
    with pytest.raises(NotPermitted, match=codename):
        start(operation, by=person, objects=notes, params=params)
    person.user_permissions.add(Permission.objects.get(codename=codename, content_type__app_label="notes"))
    person = get_user_model().objects.get(pk=person.pk)
    assert start(operation, by=person, objects=notes, params=params).asked_by == person
