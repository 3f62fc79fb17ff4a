"""What the forms of the operations accept and refuse."""

import pytest

from notes.forms import MOST_COPIES, CopyForm, RetagForm
from notes.models import Tag


class TestCopyForm:
    """The form of notes.copy."""

    @pytest.mark.parametrize("copies", [1, 10, MOST_COPIES])
    def test_accepts_from_one_to_the_most(self, copies: int) -> None:
        """From 1 to 100,000 copies of each note can be asked for."""
        form = CopyForm({"copies": str(copies)})
        assert form.is_valid()
        assert form.cleaned_data == {"copies": copies}

    @pytest.mark.parametrize("copies", ["", "0", "-1", str(MOST_COPIES + 1), "ten", "1.5"])
    def test_refuses_anything_else(self, copies: str) -> None:
        """No other number, and nothing that is not a number."""
        assert list(CopyForm({"copies": copies}).errors) == ["copies"]


@pytest.mark.django_db
class TestRetagForm:
    """The form of notes.retag."""

    @pytest.fixture
    def tags(self) -> list[Tag]:
        """Two tags."""
        return [Tag.objects.create(name=name, slug=name) for name in ("garden", "home")]

    def test_gives_the_tags_to_add_and_to_remove(self, tags: list[Tag]) -> None:
        """Either may be empty, not both."""
        garden, home = tags
        form = RetagForm({"add": [garden.pk], "remove": [home.pk]})
        assert form.is_valid()
        assert list(form.cleaned_data["add"]) == [garden]
        assert list(form.cleaned_data["remove"]) == [home]
        assert RetagForm({"add": [garden.pk]}).is_valid()
        assert RetagForm({"remove": [garden.pk]}).is_valid()

    def test_refuses_to_change_nothing(self) -> None:
        """Neither a tag to add nor one to remove is an error of the form."""
        assert RetagForm({}).has_error("__all__", "nothing")

    def test_refuses_a_tag_that_is_added_and_removed(self, tags: list[Tag]) -> None:
        """The error names the tag."""
        form = RetagForm({"add": [tag.pk for tag in tags], "remove": [tags[0].pk]})
        assert form.non_field_errors() == ["Added and removed at once: garden."]

    def test_refuses_a_tag_that_is_gone(self, tags: list[Tag]) -> None:
        """A tag deleted since the page was shown is an error of its field alone."""
        gone = tags[0].pk
        tags[0].delete()
        assert list(RetagForm({"add": [gone]}).errors) == ["add"]
