"""The demonstration data that `make run` loads."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from notes.models import Attachment, Note, Tag
from tests.notes.demo import DEMO, load_demo


@pytest.fixture
def demo(db: None) -> None:
    """The demonstration data, loaded."""
    load_demo()


@pytest.mark.usefixtures("demo")
class TestDemo:
    """What the file holds."""

    def test_has_a_few_hundred_readable_notes(self) -> None:
        """Three hundred notes with a body each, most with tags, many with attachments, some in the trash."""
        assert Note.all_objects.count() == 300
        assert not Note.all_objects.filter(body="").exists()
        assert Tag.objects.filter(notes=None).count() == 0
        assert Attachment.objects.count() > 100
        assert 0 < Note.all_objects.trashed().count() < 50

    def test_can_be_loaded_again(self) -> None:
        """A second load finds every record by its natural key and adds none."""
        call_command("loaddata", str(DEMO), verbosity=0)
        assert Note.all_objects.count() == 300
        assert get_user_model().objects.filter(is_staff=True).count() == 3

    @pytest.mark.parametrize("username", ["admin", "operator", "viewer"])
    def test_staff_log_in_with_their_name(self, username: str, settings: object) -> None:
        """The password of each of the three is the login."""
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]  # type: ignore[attr-defined]
        user = get_user_model().objects.get(username=username)
        assert user.is_staff
        assert user.check_password(username)
        assert not user.check_password("another")

    def test_the_operator_may_run_every_operation_on_notes(self) -> None:
        """And steer the runs: cancel, pause, retry, withdraw."""
        operator = get_user_model().objects.get(username="operator")
        assert not operator.is_superuser
        for act in ("add", "change", "delete", "view"):
            assert operator.has_perm(f"notes.{act}_note")
        for verb in ("view", "cancel", "pause", "retry", "withdraw"):
            assert operator.has_perm(f"console.{verb}_run")

    def test_the_viewer_may_only_look(self) -> None:
        """Every permission of the viewer is one to view."""
        viewer = get_user_model().objects.get(username="viewer")
        permissions = viewer.get_all_permissions()
        assert {"notes.view_note", "console.view_run"} <= permissions
        assert all(".view_" in permission for permission in permissions)

    def test_authors_without_a_login_cannot_log_in(self) -> None:
        """Only the three have a password, and only they are staff."""
        for author in get_user_model().objects.filter(is_staff=False):
            assert not author.has_usable_password()


def test_the_file_is_what_its_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes the words runs the script again."""
    script = runpy.run_path(str(DEMO.parent / "make_demo.py"))
    (tmp_path / "words.json").write_bytes((DEMO.parent / "words.json").read_bytes())
    monkeypatch.setitem(script["main"].__globals__, "HERE", tmp_path)
    script["main"]()
    assert (tmp_path / "demo.json").read_bytes() == DEMO.read_bytes()
