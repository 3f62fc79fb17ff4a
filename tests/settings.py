"""The project's settings for tests: a data folder of the run's own, plain static files, fast passwords."""

import atexit
import os
import pathlib
import shutil
import tempfile

if "CONSOLE_DATA" not in os.environ:  # processes started by a test inherit that of the test run
    os.environ["CONSOLE_DATA"] = tempfile.mkdtemp(prefix="console-tests-")
    atexit.register(shutil.rmtree, os.environ["CONSOLE_DATA"], ignore_errors=True)
if "PYTEST_XDIST_WORKER" in os.environ and "CONSOLE_DATA_SHARED" not in os.environ:  # tests side by side share nothing
    os.environ["CONSOLE_DATA_SHARED"] = os.environ["CONSOLE_DATA"]
    os.environ["CONSOLE_DATA"] += f"/{os.environ['PYTEST_XDIST_WORKER']}"
    pathlib.Path(os.environ["CONSOLE_DATA"]).mkdir(parents=True, exist_ok=True)

from config.settings import *  # noqa: F403
from config.settings import CONSOLE, DATA_DIR, DATABASES, INSTALLED_APPS, STORAGES

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # a file, for worker processes to share
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
    # What a power cut would lose is of no use.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Nobody answers there: a test that needs a broker starts one.
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or os.environ.get("REDIS_URL") or "redis://127.0.0.1:1/0"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.testapp", "tests.faults"]
# A test has the schedules that it makes.
CONSOLE["SYNC_SCHEDULES"] = False
