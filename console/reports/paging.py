"""Paging of long lists without an exact count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, PageNotAnInteger, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

from console.reports.words import COUNTED

if TYPE_CHECKING:
    CountingPaginator = Paginator[Any]
else:
    CountingPaginator = Paginator

LIMIT = COUNTED


def capped(rows: QuerySet[Any]) -> int:
    """Return how many there are, at most one more than the limit."""
    return rows.order_by().values("pk")[: LIMIT + 1].count()


class CappedPaginator(CountingPaginator):
    """Counts to 10,000 and stops; beyond, only “is there another page” is known."""

    @cached_property
    def count(self) -> int:
        """How many objects there are, at most one more than the limit."""
        if not isinstance(self.object_list, QuerySet):
            return len(self.object_list)
        return capped(self.object_list)

    @property
    def is_capped(self) -> bool:
        """Whether there are more than the limit."""
        return self.count > LIMIT

    def validate_number(self, number: Any) -> int:
        """Return the page number; any number from 1 is good where the count is capped."""
        if not self.is_capped:
            return super().validate_number(number)
        try:
            return max(1, int(number))
        except (TypeError, ValueError):
            raise PageNotAnInteger(str(number)) from None

    def page(self, number: Any) -> Any:
        """Return the page `number`."""
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        return Page(self.object_list[bottom : bottom + self.per_page], number, self)
