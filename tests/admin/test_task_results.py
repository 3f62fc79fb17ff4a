"""Celery's results in the admin: lean, read-only, linked to runs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_results.models import TaskResult

from console.models import Attempt
from tests.admin.running import copied, page_of, signed_in, staff

pytestmark = pytest.mark.django_db(transaction=True)

LIST = reverse("admin:django_celery_results_taskresult_changelist")


def test_links_a_result_to_its_run() -> None:
    """From Celery's record to ours is one click, in the list and on the page."""
    client = signed_in(staff("root", is_superuser=True))
    run = copied()
    result = TaskResult.objects.create(task_id=Attempt.objects.get(run=run).task_id, status="SUCCESS")
    TaskResult.objects.create(task_id="of-no-run", status="FAILURE", result='"x"')
    assert page_of(run) in client.get(LIST).content.decode()
    page = client.get(reverse("admin:django_celery_results_taskresult_change", args=[result.pk]))
    assert page_of(run) in page.content.decode()


def test_costs_the_same_queries_whatever_its_length() -> None:
    """The runs of a page's results are read at once, and large columns not at all."""
    client = signed_in(staff("root", is_superuser=True))

    def queries() -> list[str]:
        client.get(LIST)
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return [query["sql"] for query in captured]

    TaskResult.objects.create(task_id="a", status="SUCCESS")
    few = queries()
    for number in range(5):
        TaskResult.objects.create(task_id=str(number), status="SUCCESS")
    many = queries()
    assert len(many) == len(few)
    assert not any('"traceback"' in sql for sql in many)


def test_finds_by_state_and_by_the_whole_id() -> None:
    """The list is searched by what an index knows."""
    client = signed_in(staff("root", is_superuser=True))
    TaskResult.objects.create(task_id="good", status="SUCCESS")
    TaskResult.objects.create(task_id="bad", status="FAILURE")

    def found(**query: str) -> list[str]:
        return [result.task_id for result in client.get(LIST, query).context["cl"].result_list]

    assert found(status="FAILURE") == ["bad"]
    assert found(q="good") == ["good"]
    assert found(q="go") == []


def test_is_read_only() -> None:
    """Results are Celery's."""
    client = signed_in(staff("root", is_superuser=True))
    result = TaskResult.objects.create(task_id="a", status="SUCCESS")
    address = reverse("admin:django_celery_results_taskresult_change", args=[result.pk])
    assert client.post(address, {"status": "FAILURE"}).status_code == 403
    assert client.get(reverse("admin:django_celery_results_taskresult_add")).status_code == 403
