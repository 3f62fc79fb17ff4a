"""The template tags that a project's own templates use."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import RequestFactory

from console.models import Run
from tests.admin.running import copied, copying, failing, operator

pytestmark = pytest.mark.django_db(transaction=True)


def drawn(source: str, **context: object) -> str:
    """Return what a template draws."""
    return Template("{% load console %}" + source).render(Context(context))


def test_draws_chips_with_a_word_beside_the_shape() -> None:
    """A chip is never a colour or a picture alone."""
    html = drawn("{% console_chip run %}", run=copied(dry_run=True))
    assert 'aria-hidden="true"' in html
    assert "Succeeded" in html
    assert "Dry run" in html
    with failing() as run:
        assert "Succeeded, 1 failed" in drawn("{% console_chip run %}", run=run)


def test_draws_the_chip_of_a_run_that_prepares() -> None:
    """Objects that are being collected are not yet protected, and the chip says so."""
    run = copying()
    Run.objects.filter(pk=run.pk).update(preparing=True)
    run.refresh_from_db()
    html = drawn("{% console_chip run %}{% console_progress run %}", run=run)
    assert "not yet protected" in html
    assert "<progress max" in html
    assert "value=" not in html


def test_draws_a_labelled_bar() -> None:
    """The bar names its run for those who do not see it."""
    run = copied()
    html = drawn("{% console_progress run %}", run=run)
    assert f'aria-label="Progress of run {run.pk}"' in html
    assert 'value="100"' in html
    assert "6 of 6" in html


@pytest.mark.parametrize(("hold", "word"), [("exclusive", "Locked"), ("shared", "In use"), ("", "")])
def test_draws_padlocks(hold: str, word: str) -> None:
    """A hold is a padlock with a word; no hold is nothing."""
    html = drawn("{% console_hold hold %}", hold=hold)
    assert word in html
    assert bool(html) == bool(word)


def test_draws_nothing_for_no_moment() -> None:
    """A moment that has not come is empty."""
    assert drawn("{% console_time moment %}{{ eta|console_about }}", moment=None, eta=None) == ""


def test_links_the_assets_once_a_request() -> None:
    """However many templates ask for the style sheet and the script, a page has them once."""
    request = RequestFactory().get("/")
    assert drawn("{% console_assets %}{% console_assets %}", request=request).count("<script") == 1
    assert drawn("{% console_assets %}").count("<script") == 1


def test_hides_the_indicator_from_those_who_are_not_staff() -> None:
    """The sign-in page, and pages outside a request, show no counts."""
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    assert drawn("{% console_indicator %}", request=request).strip() == ""
    assert drawn("{% console_indicator %}").strip() == ""
    request.user = operator()
    assert "data-console-indicator" in drawn("{% console_indicator %}", request=request)
