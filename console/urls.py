"""Addresses for other programs, for the project's own: ``path("", include("console.urls"))``."""

from __future__ import annotations

from django.urls import path

from console.monitoring import machines

app_name = "console"
urlpatterns = [
    path("health/", machines.health, name="health"),
    path("health/live/", machines.live, name="live"),
    path("metrics", machines.metrics, name="metrics"),
]
