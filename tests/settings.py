"""The project's settings for tests: a data folder of the run's own, plain static files, fast passwords."""

import os
import tempfile

os.environ.setdefault("CONSOLE_DATA", tempfile.mkdtemp(prefix="console-tests-"))

from config.settings import *  # noqa: E402, F403
from config.settings import DATA_DIR, DATABASES, STORAGES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # a file, for worker processes to share
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or os.environ.get("REDIS_URL") or "redis://127.0.0.1:1/0"
