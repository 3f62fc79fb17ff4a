"""Object-level permissions, as an authentication backend gives them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend


class Authors(BaseBackend):
    """Whoever wrote an object may do everything with it."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Tell whether the object is the person's own."""
        return obj is not None and getattr(obj, "author_id", None) == user_obj.pk
