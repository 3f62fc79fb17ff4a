"""``manage.py messages``: bring the catalogues of translations up to date with the code, and compile them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.catalogues import CATALOGUES, LANGUAGES, path_of, update


class Command(BaseCommand):
    """Updates and compiles every catalogue, and says what is left to translate."""

    help = "Update and compile the catalogues of translations; list what is left to translate."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Update all catalogues."""
        for language in LANGUAGES:
            for catalogue in CATALOGUES:
                left = update(catalogue, language)
                self.stdout.write(f"{path_of(catalogue, language)}: {len(left) or 'nothing'} left to translate")
                for line in left:
                    self.stdout.write(f"  {line}")
