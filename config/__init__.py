"""The reference project: the console and the notes, with the processes that run them."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
