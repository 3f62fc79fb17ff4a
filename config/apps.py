"""The project as an app, for its commands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Gives ``manage.py`` the commands of the project itself."""

    name = "config"
    verbose_name = "Reference project"
