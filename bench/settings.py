"""The project's settings for benchmarks: as in production, with the operations that are measured."""

import os

from config.settings import *  # noqa: F403
from config.settings import CONSOLE, INSTALLED_APPS, LOGGING, STORAGES

ROOT_URLCONF = "bench.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "bench"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
LOGGING["root"]["level"] = "WARNING"

if os.environ.get("BENCH_STOCK"):  # a rival's worker, with the values that Celery has by itself
    CELERY_DB_REUSE_MAX = None
    CELERY_WORKER_DISABLE_PREFETCH = False
    CELERY_WORKER_PREFETCH_MULTIPLIER = 4
    CELERY_RESULT_EXTENDED = False
# A benchmark has the schedules that it makes.
CONSOLE["SYNC_SCHEDULES"] = False
