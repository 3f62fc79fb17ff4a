"""Settings of the reference project: the environment in, plain values out."""

from collections.abc import Callable
from pathlib import Path

import dj_database_url
from django.utils.translation import gettext_lazy as _

from config import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("CONSOLE_DATA", "DATA_DIR", default=str(BASE_DIR / "var"))).resolve()

# Security

DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY") or env.secret(DATA_DIR / "secret.key")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

HTTPS = env.flag("HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY") else None
X_FRAME_OPTIONS = "DENY"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Parts

INSTALLED_APPS = [
    "config",
    "notes",
    "console.apps.ConsoleConfig",
    "django_celery_beat",
    "django_celery_results",
    "import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "console.middleware.HeldObjectMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

# Database and cache

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=27103364;"
    ),
}

DATABASES = {
    "default": dj_database_url.parse(
        env.text("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'console.sqlite3'}"),
        conn_max_age=60,
        conn_health_checks=True,
    ),
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
FIXTURE_DIRS = [BASE_DIR / "fixtures"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Shared by web and workers, and still there when the broker is not.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": DATA_DIR / "cache",
    },
}
if env.text("CACHE_URL"):
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.text("CACHE_URL"),
    }

# Languages and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("pt-br", _("Brazilian Portuguese"))]
TIME_ZONE = env.text("TIME_ZONE", default="UTC")
USE_I18N = USE_TZ = True

# Files

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "console": {"BACKEND": "console.storage.PrivateStorage", "OPTIONS": {"location": DATA_DIR / "files"}},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        ),
    },
}

# Celery: a message is a nudge, the database is the truth. docs/deployment.md gives the reason of each value.

BROKER_FILE = DATA_DIR / "broker.url"  # where the embedded broker listens, for shells beside `make run`
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "REDIS_URL") or (
    BROKER_FILE.read_text(encoding="utf-8").strip() if BROKER_FILE.exists() else "redis://127.0.0.1:6379/0"
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "health_check_interval": 10,
    "visibility_timeout": 3600,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_TASK_DEFAULT_QUEUE = "control"
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_TASK_ALWAYS_EAGER = env.flag("CELERY_TASK_ALWAYS_EAGER")
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "console.schedules.scheduler:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_DB_REUSE_MAX = 1000

# The console and the notes

CONSOLE_KEYS: dict[str, Callable[[str], object]] = {
    "SLICE": float,
    "TIMEOUT": float,
    "MARGIN": float,
    "REDELIVERY": float,
    "REDELIVERY_MAX": float,
    "LOST_AFTER": float,
    "SWEEP": float,
    "SWEEP_LIMIT": int,
    "HEARTBEAT": float,
    "PROBE": float,
    "QUEUE_LATE": float,
    "QUEUE_DEAD": float,
    "DISK_LOW": float,
    "CHUNK_TIME": float,
    "CHUNK_SIZE": int,
    "CHUNK_SIZE_MAX": int,
    "PREPARE_ABOVE": int,
    "PREPARE_BATCH": int,
    "PAUSED_MAX": float,
    "FORM_KEY_MAX_AGE": float,
    "GUARD_LOCK_TIMEOUT": float,
    "KEEP_FILES": float,
    "IMPORT_MAX_BYTES": int,
    "IMPORT_MAX_ROWS": int,
    "IMPORT_MAX_SHORT_ROWS": int,
    "IMPORT_MAX_COLUMNS": int,
    "IMPORT_MAX_CELL": int,
    "IMPORT_MAX_SHEET_CELLS": int,
    "IMPORT_MAX_UNPACKED": int,
    "IMPORT_ALL_OR_NOTHING": int,
    "IMPORT_AT_ONCE": int,
    "BROKER_TIMEOUT": float,
    "CONTACT": str,
    "SYNC_SCHEDULES": env.is_true,
    "METRICS_TOKEN": str,
}
CONSOLE = env.chosen("CONSOLE_", CONSOLE_KEYS)  # CONSOLE_SLICE=1 in the environment, and so on
NOTES_NEWSLETTER_URL = env.text("NOTES_NEWSLETTER_URL")

# Logging

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"at_work": {"()": "console.logs.AtWork"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}{at_work}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["at_work"]}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", default="INFO")},
    "loggers": {"django": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}
