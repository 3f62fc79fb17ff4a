"""What an operation is: a declared class, pure of runs. The engine reads it; it never writes the console's tables."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.db.models import Model, TextChoices
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from console.exceptions import InvalidParameters, ItemOutcome
from console.retry import RetryPolicy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# What `process` may hand back: nothing, or for some objects (by primary key) results, an ItemFailed or a Skip.
Results = Mapping[Any, "str | ItemOutcome | Result | Sequence[Result]"] | None


class Hold(TextChoices):
    """How a pending run holds its targets."""

    SHARED = "shared", _("in use")
    EXCLUSIVE = "exclusive", _("locked")
    NONE = "", _("free")


class OnError(TextChoices):
    """What a failing item does to its run."""

    REPORT = "report", _("report it and go on")
    STOP = "stop", _("stop the run")


@dataclass(frozen=True)
class Span:
    """The parts `first` to `last` (from 0, both included) of one object; an ordinary object is one part, number 0."""

    obj: Any
    first: int = 0
    last: int = 0

    @property
    def items(self) -> int:
        """How many items the span counts."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Result:
    """What came of an item: an object to link to, or a text. The run keeps the first ten."""

    text: str
    app_label: str = ""
    model_name: str = ""
    pk: str = ""

    @classmethod
    def of(cls, obj: Model) -> Result:
        """Return the result that links to `obj`."""
        return cls(str(obj)[:200], obj._meta.app_label, str(obj._meta.model_name), str(obj.pk))


class BaseOperation:
    """What `Operation` and `ExternalOperation` share: the declaration, and the parameters.

    An instance stands for one run's parameters; it lives for one slice of work at most.

    Attributes:
        name: Unique and explicit, such as ``"notes.copy"``: the admin action's name, and what the run's row keeps.
        label: What staff call it, such as “Copy”; by default made of the name's last part.
        label_plural: The action's words, such as “Copy selected notes”; by default ``"<label> selected …"``.
        form: A Django form class whose cleaned data are the parameters; None where there are none.
        permission: The Django permission that starting needs; by default ``<app>.<needs>_<model>``. None: anybody.
        needs: What the default permission is made of: change, add or delete.
        hold: How pending runs hold their targets.
        free_fields: Fields of the object that stay free under this operation's hold.
        related: Names of relations that belong to the object: the guard protects them too, and Copy copies them.
        retry: When to try again after outside trouble.
        timeout: The longest that one item may take, in seconds; None: ``CONSOLE["TIMEOUT"]``.
        transient: Further exception classes that count as outside trouble.
        on_error: What a failing item does to its run.
        max_failures: A run with more failures than this stops; None: any number.
        max_active: How many runs of this operation may work at once; None: any number.
        pace: Items a second at most; None: as fast as can be.
        queue: The Celery queue.
        priority: The message's priority, 0 (first) to 9.
        partitions: Into how many partitions a run is divided.
        external: Whether there are effects outside the database. Set by `ExternalOperation`.
        repeatable: Whether doing done items again is safe (“everything again”).
        selection: ``"objects"``, or None for an operation that works on no objects of the admin.
        reads_rows: Whether its items are the rows of a file. Set by `Import`.
        secret_params: Names of parameters that are shown as ●●●●.
    """

    name: ClassVar[str] = ""
    label: ClassVar[str | _StrPromise] = ""
    label_plural: ClassVar[str | _StrPromise] = ""
    form: ClassVar[type[forms.Form] | None] = None
    permission: ClassVar[str | None] = ""
    needs: ClassVar[str] = "change"
    hold: ClassVar[Hold] = Hold.EXCLUSIVE
    free_fields: ClassVar[tuple[str, ...]] = ()
    related: ClassVar[tuple[str, ...]] = ()
    retry: ClassVar[RetryPolicy] = RetryPolicy()
    timeout: ClassVar[float | None] = None
    transient: ClassVar[tuple[type[Exception], ...]] = ()
    on_error: ClassVar[str] = OnError.REPORT
    max_failures: ClassVar[int | None] = None
    max_active: ClassVar[int | None] = None
    pace: ClassVar[float | None] = None
    queue: ClassVar[str] = "bulk"
    priority: ClassVar[int] = 5
    partitions: ClassVar[int] = 1
    external: ClassVar[bool] = False
    repeatable: ClassVar[bool] = False
    deletes: ClassVar[bool] = False
    selection: ClassVar[str | None] = "objects"
    reads_rows: ClassVar[bool] = False
    secret_params: ClassVar[tuple[str, ...]] = ()

    model: ClassVar[type[Model] | None] = None  # set by `register`

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        """Validate `params`, the raw data of the form.

        Raises:
            InvalidParameters: The form refuses them.
        """
        self.raw_params = dict(params or {})
        self.params = self._cleaned(self.raw_params)

    def _cleaned(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        if self.form is None:
            return {}
        form = self.form(data=form_data(raw))
        if not form.is_valid():
            raise InvalidParameters({name: [str(e) for e in errors] for name, errors in form.errors.items()})
        self.raw_params = {name: _neutral(value, form, name) for name, value in raw.items()}
        return form.cleaned_data

    @classmethod
    def description(cls) -> str:
        """Return what staff read of the operation: the first paragraph of its docstring, translated where a catalogue has it."""
        paragraph = " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())
        return gettext(paragraph) if paragraph else ""

    @classmethod
    def permissions(cls) -> tuple[str, ...]:
        """Return every permission that starting needs."""
        return (cls.permission,) if cls.permission else ()

    def summary(self) -> str:
        """Return a few words on the parameters for lists, such as “10 copies each”; may be empty."""
        return ""

    def parts(self) -> int:
        """Return how many items each object makes: 1, or the number of copies."""
        return 1

    def most_items(self) -> int | None:
        """Return how many items a run with these parameters may have; None: any number."""
        return None

    def read(self, after: int, limit: int) -> Sequence[tuple[int, Any]]:
        """Return up to `limit` items after position `after`, for an operation without a selection.

        By default there is one item, at position 1, and it is None: `process` is called once, with ``[None]``.

        Args:
            after: The position of the last item that is done; 0 at the start.
            limit: The most items to return.

        Returns:
            Pairs of (position, item), positions rising. Fewer than `limit` means that nothing follows.
        """
        return [(1, None)] if after < 1 and limit else []

    def count(self) -> int | None:
        """Return how many items `read` will give in all, or None if nobody knows; for operations without a selection."""
        return 1


class Operation(BaseOperation):
    """A change in the database: each chunk's effects commit together with its checkpoint."""

    def process(self, objects: Sequence[Any]) -> Results:
        """Do the work for a chunk of fresh objects, inside the checkpoint's transaction.

        A chunk that raises is rolled back and done again item by item, so that only the bad item fails.

        Args:
            objects: Objects just read from the database (in an exclusive run: locked), in order.

        Returns:
            None, or for some objects (by primary key) a result text, an `ItemFailed` or a `Skip`.

        Raises:
            ItemFailed: One item cannot be done; with the reason for staff.
            Skip: One item was left out on purpose.
            Retry: Something outside is away; try again later.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement process(objects).")

    def process_spans(self, spans: Sequence[Span]) -> Results:
        """Do the work for spans of objects; override it where `parts` is more than 1 (see `Copy`)."""
        return self.process([span.obj for span in spans])


class ExternalOperation(BaseOperation):
    """A change with effects outside the database: `call` runs with no transaction open, one item a checkpoint."""

    external: ClassVar[bool] = True

    def call(self, obj: Any, key: str) -> Any:
        """Do the outside effect for one object, with no transaction open.

        It may be called again with the same `key` if its answer was lost: at least once.

        Args:
            obj: The object, just read.
            key: The idempotency key: stable through retries of the run too.

        Returns:
            The answer, handed to `process`.

        Raises:
            ItemFailed: The other side refused this item for good.
            Skip: One item was left out on purpose.
            Retry: The other side is away or busy; try again later.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement call(obj, key).")

    def process(self, obj: Any, answer: Any) -> str | Result | None:
        """Store the answer, inside the checkpoint's transaction; by default nothing is stored."""
        return None


def form_data(raw: Mapping[str, Any]) -> QueryDict:
    """Return raw parameters, as kept in JSON (a list for several values), as the data of a form."""
    data = QueryDict(mutable=True)
    for name, value in raw.items():
        data.setlist(name, [str(v) for v in value] if isinstance(value, list | tuple) else as_strings(value))
    return data


def _neutral(raw: Any, form: forms.Form, name: str) -> Any:
    """Return a raw value that means the same in every language and time zone: “03/05/2026” is two different days."""
    field, cleaned = form.fields.get(name), form.cleaned_data.get(name)
    if field is None:
        return raw
    if isinstance(cleaned, date | time) and "input_formats" not in vars(
        field
    ):  # formats of its own are the same everywhere
        return cleaned.isoformat()
    return str(cleaned) if field.localize and isinstance(cleaned, int | float | Decimal) else raw


def as_strings(value: Any) -> list[str]:
    """Return the form's strings for one raw value: none for None and False, which an HTML form leaves out."""
    if value is None or value is False:
        return []
    return ["on" if value is True else str(value)]


def raw_params(form: type[forms.Form] | None, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of `data` that belongs to `form`, as JSON keeps it.

    Args:
        form: The operation's form, or None.
        data: A QueryDict of a request, or a plain mapping given in code (model instances become their keys).
    """
    if form is None:
        return {}
    names: Iterable[str] = form.base_fields
    if isinstance(data, QueryDict):
        return {name: _single(data.getlist(name)) for name in names if name in data}
    return {name: _plain(data[name]) for name in names if name in data}


def _single(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else values


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    if isinstance(value, Iterable):
        return [_plain(v) for v in value]
    return str(value)
