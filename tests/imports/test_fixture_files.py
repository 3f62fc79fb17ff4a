"""The files of `fixtures/imports` through the pages: good ones are previewed, bad ones are refused with their reason."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from notes.models import Note
from tests.admin.forms import text_of
from tests.admin.running import signed_in
from tests.imports.walking import press, run_of, upload
from tests.tables.test_fixtures import REFUSED, content

pytestmark = [pytest.mark.django_db(transaction=True)]
AUTHORS = ["bruno", "dagny", "emi", "chidi", "farid"]
GOOD = ["utf8.csv", "bom-semicolon.csv", "utf16.tsv", "notes.xlsx", "notes.ods", "notes.json", "notes.yaml"]
REASONS = {  # of what is found out only when the whole file is read
    "stray-byte.csv": "Row 4 holds bytes that are not UTF-8.",
    "open-quote.csv": "Row 2: a quote is opened and never closed",
    "heading-only.csv": "The file has a heading and no rows below it.",
}


@pytest.fixture
def client() -> Client:
    """The browser of somebody who may do everything."""
    for name in AUTHORS:
        User.objects.create_user(name)
    return signed_in(User.objects.create_superuser("ana"))


@pytest.mark.parametrize("name", GOOD)
def test_each_format_is_previewed_alike(client: Client, name: str) -> None:
    """Seven new notes, whatever they are kept in; nothing is written yet."""
    page = press(client, upload(client, content(name), name))
    assert "New 7 Changed 0 Unchanged 0 Failing 0" in text_of(page)
    assert run_of(page).dry_run
    assert not Note.objects.exists()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_on_its_page(client: Client, name: str) -> None:
    """No page breaks, and no note is made: the reason is said at once, or when the whole file has been read."""
    page = upload(client, content(name), name)
    assert page.status_code == 200
    if name in REASONS:
        page = press(client, page)
        assert run_of(page).state == "failed"
        assert f"Nothing was changed. {REASONS[name]}" in text_of(page)
    assert not Note.objects.exists()
