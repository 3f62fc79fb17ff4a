"""The project's addresses, and those of the sites that pages are measured against."""

from django.urls import path

from bench import stock
from config.urls import urlpatterns as own

urlpatterns = [path("stock/", stock.results.urls), path("plain/", stock.plain.urls), *own]
