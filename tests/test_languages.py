"""The catalogues: sound, compiled, good guests beside Django's own, and chosen by the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import django
import polib
import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from config import catalogues
from config.catalogues import CATALOGUES, LANGUAGES, path_of, trouble

EVERY = [(catalogue, language) for catalogue in CATALOGUES for language in LANGUAGES]


@pytest.mark.parametrize(("catalogue", "language"), EVERY)
def test_a_catalogue_has_every_text_of_the_code(catalogue: str, language: str) -> None:
    """Translated, none guessed, none left over, with the same placeholders; and what runs, the compiled file, says the same."""
    found = trouble(catalogue, language)
    assert not found, "\n".join(["run make messages, and translate what it lists:", *found])


@pytest.mark.parametrize(("catalogue", "language"), EVERY)
def test_a_catalogue_changes_no_word_of_django(catalogue: str, language: str) -> None:
    """Catalogues are merged: a text that Django has too would change on every page of the project."""
    theirs = {
        (entry.msgctxt, entry.msgid): _forms(entry)
        for path in _catalogues_of_others(language)
        for entry in polib.pofile(str(path))
        if entry.translated()
    }
    ours = {(entry.msgctxt, entry.msgid): _forms(entry) for entry in polib.pofile(str(path_of(catalogue, language)))}
    assert {key: (ours[key], theirs[key]) for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]} == {}


def _forms(entry: polib.POEntry) -> list[str]:
    """Return the translation, for one and for many."""
    return [entry.msgstr_plural[number] for number in (0, 1)] if entry.msgid_plural else [entry.msgstr]


def _catalogues_of_others(language: str) -> Iterator[Path]:
    folders = [Path(django.__file__).parent / "conf", *(Path(config.path) for config in apps.get_app_configs())]
    own = {path_of(catalogue, language) for catalogue in CATALOGUES}
    for folder in folders:
        path = folder / "locale" / language / catalogues.FILE
        if path.exists() and path not in own:
            yield path


def test_the_browser_chooses_the_language(admin_client: Client) -> None:
    """Without anything to set up: English, and Portuguese for who reads it."""
    address = reverse("admin:console_run_changelist")
    assert "No runs yet." in admin_client.get(address).content.decode()
    brazilian = admin_client.get(address, headers={"Accept-Language": "pt-BR,pt;q=0.9,en;q=0.5"})
    assert "Nenhuma execução ainda." in brazilian.content.decode()
    assert brazilian.headers["Content-Language"] == "pt-br"
