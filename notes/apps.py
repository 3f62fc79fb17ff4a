"""The Django app of the reference domain."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotesConfig(AppConfig):
    """Notes with tags, attachments and a trash."""

    name = "notes"
    verbose_name = _("Notes")
    default_auto_field = "django.db.models.BigAutoField"
