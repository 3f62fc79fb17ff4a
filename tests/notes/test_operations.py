"""What each operation does to a chunk of notes; how chunks become runs is the engine's business, and tested there."""

from __future__ import annotations

from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from console.operations import ItemFailed, Retry, Skip, operations_of
from notes.models import AuthorStatistics, Note, Tag
from notes.newsletter import NewsletterServer
from notes.operations import (
    ArchiveNotes,
    CopyNotes,
    CountNotes,
    PublishNotes,
    RestoreNotes,
    RetagNotes,
    TrashNotes,
)

pytestmark = pytest.mark.django_db


def make(slug: str, **values: Any) -> Note:
    """Create a note."""
    return Note.objects.create(title=slug.title(), slug=slug, **values)


def fresh(*notes: Note) -> list[Note]:
    """Read the notes again, in the order given."""
    return [Note.all_objects.get(pk=note.pk) for note in notes]


def test_every_operation_of_the_reference_domain_is_registered() -> None:
    """Nine on notes, in the order in which they are declared."""
    assert [operation.name for operation in operations_of(Note)] == [
        "notes.copy",
        "notes.retag",
        "notes.archive",
        "notes.trash",
        "notes.restore",
        "notes.delete",
        "notes.import",
        "notes.publish",
        "notes.export",
    ]


def test_every_operation_says_what_it_does_and_what_it_needs() -> None:
    """A sentence for staff, a label and a permission."""
    for operation in [*operations_of(Note), CountNotes]:
        assert operation.description().endswith(".")
        assert operation.label
        assert operation.permission


class TestCopy:
    """notes.copy; what is copied is the engine's."""

    def test_tells_how_many_copies(self) -> None:
        """The run's summary is the number asked for."""
        assert CopyNotes({"copies": 1}).summary() == "1 copy each"
        assert CopyNotes({"copies": 10}).summary() == "10 copies each"
        assert CopyNotes({"copies": 10_000}).summary() == "10,000 copies each"


class TestRetag:
    """notes.retag."""

    @pytest.fixture
    def tags(self) -> list[Tag]:
        """Three tags."""
        return [Tag.objects.create(name=name, slug=name) for name in ("garden", "home", "work")]

    def test_adds_and_removes_and_leaves_the_rest(self, tags: list[Tag]) -> None:
        """Each note ends with what it had, plus what is added, less what is removed."""
        garden, home, work = tags
        tea, rain = make("tea"), make("rain")
        tea.tags.set([home, work])
        RetagNotes({"add": [garden.pk], "remove": [home.pk]}).process(fresh(tea, rain))
        assert set(tea.tags.all()) == {garden, work}
        assert set(rain.tags.all()) == {garden}

    def test_may_be_done_twice(self, tags: list[Tag]) -> None:
        """A tag that a note has already is no error."""
        tea = make("tea")
        operation = RetagNotes({"add": [tag.pk for tag in tags]})
        operation.process(fresh(tea))
        operation.process(fresh(tea))
        assert set(tea.tags.all()) == set(tags)

    def test_does_not_count_a_tag_that_vanishes_meanwhile(self, tags: list[Tag]) -> None:
        """Between two chunks a tag is deleted: the next chunk adds the others."""
        tea, rain = make("tea"), make("rain")
        operation = RetagNotes({"add": [tag.pk for tag in tags]})
        operation.process(fresh(tea))
        tags[0].delete()
        operation.process(fresh(rain))
        assert set(rain.tags.all()) == set(tags[1:])

    def test_names_the_tags(self, tags: list[Tag]) -> None:
        """The run's summary tells what comes and goes."""
        assert RetagNotes({"add": [tags[0].pk], "remove": [tags[1].pk]}).summary() == "+garden, −home"


class TestMarks:
    """notes.archive, notes.trash and notes.restore."""

    @pytest.mark.parametrize(
        ("operation", "field", "is_set"),
        [(ArchiveNotes, "archived_at", True), (TrashNotes, "trashed_at", True), (RestoreNotes, "trashed_at", False)],
    )
    def test_are_written_where_they_change_something(self, operation: Any, field: str, *, is_set: bool) -> None:
        """The others are skipped, each with a reason, and keep their time."""
        marked, plain = make("marked", **{field: timezone.now()}), make("plain")
        already = marked if is_set else plain
        outcome = operation().process(fresh(marked, plain))
        assert [bool(getattr(note, field)) for note in fresh(marked, plain)] == [is_set, is_set]
        assert [key for key, result in outcome.items() if isinstance(result, Skip)] == [already.pk]
        assert fresh(already)[0].updated_at == already.updated_at


class TestPublish:
    """notes.publish, against the real service."""

    def misbehave(self, newsletter: NewsletterServer, fault: bytes) -> None:
        """Tell the service how to behave."""
        urlopen(Request(f"{newsletter.url}/control", fault), timeout=10).close()  # noqa: S310

    def test_sends_the_note_and_stores_that_it_is_out(self, newsletter: NewsletterServer) -> None:
        """The service gets slug, title, body, author and tags; the note its time of publication."""
        tea = make("tea", author=get_user_model().objects.create(username="ana"))
        answer = PublishNotes().call(tea, "key-1")
        assert answer in PublishNotes().process(tea, answer).text
        assert fresh(tea)[0].published_at
        assert newsletter.newsletter.log()["requests"] == [{"key": "key-1", "slug": "tea", "answer": 200}]

    def test_asks_for_a_retry_when_the_service_is_away(self, newsletter: NewsletterServer) -> None:
        """And tells staff why."""
        self.misbehave(newsletter, b'{"fail": 503}')
        with pytest.raises(Retry, match="The newsletter service is away: 503"):
            PublishNotes().call(make("tea"), "key-1")

    def test_fails_the_note_that_the_service_refuses(self, newsletter: NewsletterServer) -> None:
        """That note alone, with the service's own reason."""
        self.misbehave(newsletter, b'{"reject": true}')
        tea = make("tea")
        with pytest.raises(ItemFailed, match="The newsletter service refused it: 422") as failure:
            PublishNotes().call(tea, "key-1")
        assert failure.value.obj == tea

    def test_keeps_the_trash_at_home(self, newsletter: NewsletterServer) -> None:
        """A note in the trash is skipped, and nothing is sent."""
        with pytest.raises(Skip):
            PublishNotes().call(make("tea", trashed_at=timezone.now()), "key-1")
        assert newsletter.newsletter.log()["requests"] == []


class TestStatistics:
    """notes.statistics."""

    def refresh(self, step: int) -> None:
        """Count in steps of this many authors, as the engine does."""
        operation, after = CountNotes(), 0
        while batch := operation.read(after, step):
            operation.process([author for _, author in batch])
            after = batch[-1][0]

    def test_counts_each_author_in_steps(self) -> None:
        """Live and trashed notes apart, whatever the size of a step; notes without an author count for nobody."""
        ana, otto = (get_user_model().objects.create(username=name) for name in ("ana", "otto"))
        get_user_model().objects.create(username="idle")
        make("tea", author=ana)
        make("rain", author=ana)
        make("dust", author=ana, trashed_at=timezone.now())
        make("moss", author=otto)
        make("nobody")
        self.refresh(step=1)
        counts = AuthorStatistics.objects.order_by("author").values_list("author__username", "notes", "trashed")
        assert list(counts) == [("ana", 2, 1), ("otto", 1, 0)]
        assert CountNotes().count() == 2

    def test_a_second_count_replaces_the_first(self) -> None:
        """An author who has no notes any more is counted down to none."""
        ana = get_user_model().objects.create(username="ana")
        tea = make("tea", author=ana)
        self.refresh(step=100)
        first = AuthorStatistics.objects.get()
        tea.delete()
        self.refresh(step=100)
        second = AuthorStatistics.objects.get()
        assert (second.pk, second.notes) == (first.pk, 0)
        assert second.refreshed_at > first.refreshed_at
