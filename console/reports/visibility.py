"""What one person may see: which runs, and of their objects which names and values. Every page and file asks here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import CharField, Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from console.engine.holds import identity
from console.models import Failure, Run, Target
from console.operations.registry import registered_models

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

VIEW_RUN = "console.view_run"
LOOKED_AT = 1000  # objects that are asked about one by one before the rest is taken to be hidden


@dataclass(frozen=True)
class View:
    """What a person may see of one model: of `objects` (None: of all) those that `is_seen` accepts (None: any)."""

    model: type[Model]
    objects: QuerySet[Any] | None = None
    is_seen: Callable[[Any], bool] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the model is hidden."""
        return self.objects is None and self.is_seen is None

    def keys(self) -> QuerySet[Any, Any]:
        """Return the keys of the objects as text, as targets keep them; `is_seen` is not asked."""
        rows: QuerySet[Any, Any] = identity(self.model)._base_manager.order_by()
        if self.objects is not None:
            rows = rows.filter(pk__in=_keys(self.objects))
        keys: QuerySet[Any, Any] = rows.annotate(console_key=Cast("pk", CharField())).values("console_key")
        return keys

    def find(self, keys: Iterable[str]) -> dict[str, Model]:
        """Return those of the objects that exist and are seen, by their key as text."""
        found = existing(self.model, keys)
        seen = self.among(found.values())
        return {key: obj for key, obj in found.items() if obj.pk in seen}

    def among(self, objects: Iterable[Model]) -> set[Any]:
        """Return the primary keys of those of `objects` that are seen, in one query at most."""
        rows = {obj.pk: obj for obj in objects}
        left = set(rows)
        if self.objects is not None and rows:
            there = self.model._base_manager.filter(pk__in=list(rows)).filter(pk__in=_keys(self.objects))
            left = set(there.values_list("pk", flat=True))
        return {pk for pk in left if self.is_seen is None or self.is_seen(rows[pk])}


class Sight:
    """What one person may see on one admin site; it lives as long as a request.

    A run is seen by those who may see an object of it, and by whoever asked for it. The name and values of an object
    are told to those who may see that object; of one that is gone, to whoever asked and those from whom nothing is
    hidden.

    Args:
        user: The person.
        view_of: Returns what they may see of a model; None where that is nothing.
    """

    def __init__(self, user: AbstractUser | AnonymousUser, view_of: Callable[[type[Model]], View | None]) -> None:
        self.user, self._view_of = user, view_of
        self._views: dict[type[Model], View | None] = {}
        self._whole: dict[int, bool] = {}

    def view(self, model: type[Model]) -> View | None:
        """Return what the person may see of `model`; None where that is nothing."""
        if model not in self._views:
            self._views[model] = self._view_of(model)
        return self._views[model]

    # --- runs

    def runs(self) -> QuerySet[Run]:
        """Return the runs that the person may see, as far as a query can tell: `sees` asks the objects one by one too."""
        if self.user.is_superuser and all(view.is_whole for view in self._all_views.values()):
            return Run.objects.all()
        whole, parts = self._types
        limited = {type_id: view for type_id, view in parts.items() if view.objects is not None}
        seen = Q(asked_by=self.user.pk) | Q(content_type__in=[*whole, *(parts.keys() - limited.keys())])
        for type_id, view in limited.items():
            targets = Target.objects.filter(run=OuterRef("pk"), object_id__in=view.keys())
            seen |= Q(Exists(targets), content_type=type_id)
        if self.user.has_perm(VIEW_RUN):
            seen |= Q(content_type=None)
        return Run.objects.filter(seen)

    def seen(self, runs: Iterable[Run]) -> set[int]:
        """Return the ids of those of `runs` that are among `runs()`, in one query at most."""
        found, doubtful = set(), []
        for run in runs:
            model = model_of(run)
            view = self.view(model) if model else None
            if self._asked(run) or (view and view.objects is None) or (not model and self.user.has_perm(VIEW_RUN)):
                found.add(run.pk)
            elif view:
                doubtful.append(run.pk)
        if doubtful:
            found |= set(self.runs().filter(pk__in=doubtful).values_list("pk", flat=True))
        return found

    def sees(self, run: Run) -> bool:
        """Tell whether the person may see `run`: it is theirs, or they may see one of the first objects of it."""
        if run.pk not in self.seen([run]):
            return False
        model = model_of(run)
        view = self.view(model) if model else None
        if view is None or view.is_seen is None or self._asked(run):
            return True
        return bool(view.find(run.targets.values_list("object_id", flat=True)[:LOOKED_AT]))

    def lacks(self, run: Run) -> str:
        """Return the permission that the person lacks to see `run`; empty where they have it, and see none of its objects."""
        model = model_of(run)
        needed = f"{model._meta.app_label}.view_{model._meta.model_name}" if model else VIEW_RUN
        return "" if self.user.has_perm(needed) else needed

    def viewable_types(self) -> list[int]:
        """Return the content types of the models of which the person may see something."""
        whole, parts = self._types
        return [*whole, *parts]

    # --- objects of a run

    def objects(self, model: type[Model] | None, keys: Iterable[str]) -> dict[str, Model]:
        """Return those of the objects that exist and that the person may see, by their key as text."""
        view = self.view(model) if model else None
        return view.find(keys) if view else {}

    def shows(self, obj: Model) -> bool:
        """Tell whether the person may see `obj`."""
        view = self.view(type(obj))
        return view is not None and bool(view.among([obj]))

    def told(self, run: Run, keys: Iterable[str]) -> dict[str, Model | None]:
        """Return those of the run's objects whose name may be told: the object, or None where it is gone."""
        wanted = dict.fromkeys(key for key in keys if key)
        if not wanted:
            return {}
        model = model_of(run)
        seen: dict[str, Model] = self.objects(model, wanted)
        there = existing(model, wanted) if model and not self._is_open(run) else seen
        gone = [key for key in wanted if key not in there] if self._asked(run) or self._is_open(run) else []
        return {**seen, **dict.fromkeys(gone)}

    def sees_whole(self, run: Run) -> bool:
        """Tell whether nothing of `run` is hidden from the person: what is said of no object in particular is told too."""
        if run.pk not in self._whole:
            self._whole[run.pk] = self._is_open(run) or self._sees_every_target(run)
        return self._whole[run.pk]

    def targets(self) -> QuerySet[Target]:
        """Return the targets whose objects may be looked for: by a query, so where objects are asked one by one, none."""
        return self._searchable(Target.objects.all())

    def failures(self) -> QuerySet[Failure]:
        """Return the failures whose words may be looked for, as `targets`."""
        return self._searchable(Failure.objects.all())

    def sift(self, run: Run, failures: Iterable[Failure]) -> list[Failure]:
        """Return those of the run's failures that may be shown: of a told object, or of none where nothing is hidden."""
        rows = list(failures)
        if self._is_open(run):
            return rows
        told, whole = self.told(run, [row.object_id for row in rows]), self.sees_whole(run)
        return [row for row in rows if (row.object_id in told if row.object_id else whole)]

    def _searchable(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        if all(view.is_whole for view in self._all_views.values()):
            return rows
        _whole, parts = self._types
        seen = ~Q(run__content_type__in=list(parts)) | Q(run__asked_by=self.user.pk)
        for type_id, view in parts.items():
            if view.is_seen is None:
                seen |= Q(run__content_type=type_id, object_id__in=view.keys())
        return rows.filter(seen)

    @cached_property
    def _all_views(self) -> dict[type[Model], View]:
        """What the person may see of every model that runs work on; a site may have hundreds of others."""
        return {model: view for model in worked_on() if (view := self.view(model))}

    @cached_property
    def _types(self) -> tuple[list[int], dict[int, View]]:
        """The content types of which the person may see all, and those of which a part."""
        views = self._all_views
        types = ContentType.objects.get_for_models(*views)
        whole = [types[model].pk for model, view in views.items() if view.is_whole]
        return whole, {types[model].pk: view for model, view in views.items() if not view.is_whole}

    def _asked(self, run: Run) -> bool:
        return self.user.pk is not None and run.asked_by_id == self.user.pk

    def _is_open(self, run: Run) -> bool:
        """Tell, without a query, whether the person may see whatever the run works on."""
        model = model_of(run)
        view = self.view(model) if model else None
        return view.is_whole if view else model is None

    def _sees_every_target(self, run: Run) -> bool:
        model = model_of(run)
        view = self.view(model) if model else None
        if view is None:
            return False
        asked = self._asked(run)
        hidden = run.targets.exclude(object_id__in=view.keys())
        if asked:
            hidden = hidden.filter(object_id__in=View(view.model).keys())
        if hidden.exists() or (not asked and not run.targets.exists()):
            return False
        return view.is_seen is None or self._sees_each(run)

    def _sees_each(self, run: Run) -> bool:
        keys = list(run.targets.values_list("object_id", flat=True)[: LOOKED_AT + 1])
        if len(keys) > LOOKED_AT:
            return self._asked(run)  # who could choose them all, object by object
        return len(self.told(run, keys)) == len(set(keys))


def worked_on() -> list[type[Model]]:
    """Return the models that have operations, and those that runs of operations from before worked on."""
    known = {kind.pk: kind for kind in ContentType.objects.get_for_models(*registered_models()).values()}
    runs = Run.objects.filter(content_type=OuterRef("pk"))
    others = ContentType.objects.exclude(pk__in=known).filter(Exists(runs))
    return [model for kind in (*known.values(), *others) if (model := kind.model_class())]


def model_of(run: Run) -> type[Model] | None:
    """Return the model of the run's objects; None where it works on none, or the code no longer has it."""
    return ContentType.objects.get_for_id(run.content_type_id).model_class() if run.content_type_id else None


def existing(model: type[Model], keys: Iterable[str]) -> dict[str, Model]:
    """Return those of the objects that exist, by their key as text, in one query, whoever may see them."""
    to_python = identity(model)._meta.pk.to_python
    by_pk = {to_python(key): key for key in keys}
    if not by_pk:
        return {}
    return {by_pk[obj.pk]: obj for obj in model._base_manager.filter(pk__in=list(by_pk)) if obj.pk in by_pk}


def _keys(objects: QuerySet[Any]) -> QuerySet[Any, Any]:
    return (objects if objects.query.is_sliced else objects.order_by()).values("pk")
