"""Every word that people read on our pages comes from a catalogue: seen in a language made up of ⟦brackets⟧."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from console.monitoring.watching import watch
from console.operations import Hold, operations
from console.testing import hold
from notes.models import Note
from tests import pseudo
from tests.admin import running
from tests.admin.running import failing, in_every_state, page_of, signed_in, staff

# What the pages below show of the database, of this machine or of the tests' own apps; and a word that Django forgot.
DATA = (
    r"Search|items",
    "|".join(str(operation.label) for operation in operations() if operation.name.startswith("faults.")),
    r"Ana Lima|Ana|operator|viewer|Note \d+|note-\d+|The slug is taken|The newsletter service is away",
    r"wait for the newsletter|wrong tag|for the test|slug|title",
    r"\b(?:Check|Send|Watch|Update tags|bulk|control|testing|UTC|CSV|XLSX|SUCCESS|Can \w+ \w+)\b",
)


@pytest.fixture
def made_up(settings: Any, tmp_path: Path) -> Iterator[None]:
    """Speak the made-up language, in requests and outside of them."""
    settings.LOCALE_PATHS = [pseudo.write_catalogue(tmp_path)]
    settings.LANGUAGES = [("en", "English"), (pseudo.LANGUAGE, "Made up")]
    settings.LANGUAGE_CODE = pseudo.LANGUAGE
    with translation.override(pseudo.LANGUAGE):
        yield


def bare_words(response: Any) -> list[str]:
    """Return the words of a page that no catalogue gave."""
    assert response.status_code in {200, 403, 409}
    return pseudo.bare_words(response.content.decode(), data=DATA)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("made_up")
class TestEveryWordIsTranslated:
    """On each of the pages."""

    def test_the_made_up_language_is_seen_through(self) -> None:
        """What is in brackets does not count, what is not does; in attributes too."""
        page = '<p title="⟦A⟧ word">⟦Copy ⟦note⟧⟧, 12 Note 3 <code>code</code> notes.copy<b data-x="some words">'
        assert pseudo.bare_words(page, data=DATA) == ["some", "word", "words"]

    def test_on_the_page_of_a_run_in_every_state(self) -> None:
        """And in its JSON, and on the page of each verb that is lawful."""
        user = running.operator()
        browser = signed_in(user)

        def look(run: Any) -> dict[str, list[str]]:
            told = browser.get(page_of(run, "progress")).json()
            pages = {verb: browser.get(page_of(run, verb)) for verb in told["verbs"] if verb != "withdraw"}
            pages["change"] = browser.get(page_of(run))
            sentence = pseudo.bare_words(f"<p>{told['sentence']}</p>", data=DATA)
            return {"sentence": sentence, **{name: bare_words(page) for name, page in pages.items()}}

        found = in_every_state(user, look)
        assert {(state, name): words for state, seen in found.items() for name, words in seen.items() if words} == {}

    def test_on_the_page_of_failures(self) -> None:
        """The reasons are the operation's own; the rest is ours."""
        user = running.operator()
        browser = signed_in(user)
        with failing(user) as run:
            group = run.failures.get().group
            assert bare_words(browser.get(page_of(run), {"group": group})) == []
            assert bare_words(browser.get(page_of(run, "retry"), {"group": group})) == []

    def test_on_the_list_of_runs(self) -> None:
        """With its filters, its actions and their page; and without any run."""
        user = running.operator()
        browser, address = signed_in(user), reverse("admin:console_run_changelist")
        assert bare_words(browser.get(address)) == []
        run = running.copied(user)
        running.copying(user)
        assert bare_words(browser.get(address)) == []
        assert bare_words(browser.get(address, {"q": "nothing"})) == []
        assert bare_words(browser.post(address, {"action": "cancel_runs", "_selected_action": [run.pk]})) == []
        assert bare_words(browser.get(reverse("admin:console_run_starts"))) == []

    def test_on_the_dashboard(self) -> None:
        """With nobody alive, runs that wait, and failures; and its summary on the admin's index."""
        user = running.operator()
        browser = signed_in(user)
        with failing(user):
            running.copying(user)
            watch()
            assert bare_words(browser.get("/admin/console/")) == []
            assert "console-summary" in browser.get("/admin/").content.decode()

    def test_on_the_pages_of_objects(self) -> None:
        """The list, the form, the confirmation of each operation and of a deletion: free, and held."""
        user = staff(
            "operator", *running.OPERATOR, "notes.delete_note", "notes.view_tag", first_name="Ana", last_name="Lima"
        )
        browser, notes = signed_in(user), running.make_notes()
        assert self._bare_around(browser, notes) == {}
        with hold(notes[0], Hold.SHARED, label="Check"), hold(notes[1], label="Update tags"):
            assert self._bare_around(browser, notes) == {}

    def _bare_around(self, browser: Client, notes: list[Note]) -> dict[str, list[str]]:
        listed = reverse("admin:notes_note_changelist")
        keys = [note.pk for note in notes]
        pages = {
            "list": browser.get(listed),
            "none": browser.get(listed, {"pending_work": "failed"}),
            **{
                action: browser.post(listed, {"action": action, "_selected_action": keys})
                for action in ("delete_selected", "notes.copy", "notes.archive", "notes.retag", "notes.delete")
            },
            **{
                f"{page} {place}": browser.get(reverse(f"admin:notes_note_{page}", args=[note.pk]))
                for place, note in enumerate(notes)
                for page in ("change", "delete")
            },
            "one": browser.get(reverse("admin:notes_note_operation", args=[keys[0], "notes.publish"])),
        }
        return {name: words for name, page in pages.items() if (words := bare_words(page))}

    def test_where_something_is_not_permitted(self) -> None:
        """The page that says what is missing."""
        run = running.copied(running.operator())
        other = signed_in(staff("viewer", "auth.view_user"))
        viewer = signed_in(staff("viewer2", "notes.view_note"))
        assert bare_words(other.get(page_of(run))) == []
        assert bare_words(viewer.get(page_of(run, "retry"))) == []
        assert (
            bare_words(viewer.get(reverse("admin:notes_note_operation", args=[Note.objects.first().pk, "notes.copy"])))
            == []
        )
