"""A DAG that takes its contacts in each way that Airflow has of handing values to a task; a test runs it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, XComArg, task

from airflow_provider_callkaro.sources import FileContacts, SqlContacts
from airflow_provider_callkaro.sources.contract import templated_values
from airflow_provider_callkaro.sources.inline import as_source
from airflow_provider_callkaro.tasks.rendering import RendersLiterals

READ: dict[tuple[str, int], dict[str, Any]] = {}
"""What each task read, by its id and map index."""


class ReadContacts(RendersLiterals):
    """Reads its contacts and does nothing with them."""

    template_fields = ("contacts",)
    never_shown = frozenset({"contacts"})

    def __init__(self, *, contacts: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.contacts = as_source(contacts)
        XComArg.apply_upstream_relationship(self, templated_values(self.contacts))

    def execute(self, context: Any) -> None:
        READ[self.task_id, context["ti"].map_index] = {
            "total": self.contacts.total(context),
            "rows": list(self.contacts.rows(context)),
        }


with DAG(
    "reading_contacts",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={"day": "2026-06-01"},
) as dag:

    @task
    def people() -> list[Any]:
        return [{"to_number": "+919876543210", "name": "{{ 6 * 7 }}"}, "+919876543211"]

    @task
    def nobody() -> list[Any]:
        return []

    @task
    def person(number: str) -> dict[str, str]:
        return {"to_number": number}

    @task
    def groups() -> list[Any]:
        return [["+919876543210", "{{ 6 * 7 }}"], ["+919876543211"]]

    @task
    def arguments() -> list[Any]:
        return [{"contacts": group} for group in (["+919876543210", "{{ 6 * 7 }}", "100 {% off"], ["see offer.sql"])]

    @task
    def exported_file() -> str:
        return str(Path(__file__).with_name("contacts.csv"))

    ReadContacts(task_id="output", contacts=people())
    ReadContacts(task_id="empty_output", contacts=nobody())
    ReadContacts(task_id="mapped_output", contacts=person.expand(number=["+919876543210", "+919876543211"]))
    ReadContacts(task_id="list", contacts=[{"to_number": "+919876543210", "sum": "{{ 6 * 7 }}"}])
    ReadContacts(task_id="file", contacts=FileContacts(exported_file()))
    ReadContacts(
        task_id="query",
        contacts=SqlContacts("contacts.sql", conn_id="contacts", parameters={"day": "{{ params.day }}"}),
    )
    dag.get_task("people") >> ReadContacts(task_id="template", contacts="{{ ti.xcom_pull('people') }}")
    ReadContacts.partial(task_id="group").expand(contacts=groups())
    ReadContacts.partial(task_id="arguments_of_a_group").expand_kwargs(arguments())
    ReadContacts.partial(task_id="query_of_a_group").expand_kwargs(
        [{"contacts": SqlContacts("contacts.sql", conn_id="contacts", parameters={"day": "{{ params.day }}"})}]
    )
