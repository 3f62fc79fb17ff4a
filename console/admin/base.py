"""What the parts of `OperationsMixin` stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.http import HttpResponseBase
from django.template.response import TemplateResponse

from console.operations import operations_of

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    Part = ModelAdmin[Any]
else:
    Part = object


def has_operations(model: type[Model]) -> bool:
    """Tell whether objects of `model` can be held at all; where not, nothing is added to its pages."""
    return bool(operations_of(model))


def dress(response: HttpResponseBase, template: str, **context: Any) -> HttpResponseBase:
    """Put `template` around the template that the project chose for `response`, if it is an unrendered page.

    `template` starts with ``{% extends console_parent %}``, so that nobody's own template is lost.
    """
    if not isinstance(response, TemplateResponse) or response.is_rendered or response.context_data is None:
        return response
    response.context_data.update(context, console_parent=response.resolve_template(response.template_name))
    response.template_name = template
    return response
