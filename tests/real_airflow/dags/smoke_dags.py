"""The DAGs with which the harness tests itself."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Asset, BaseOperator, BaseOperatorLink, get_current_context, task
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

AT_ONCE = timedelta(0)
ARRIVALS = Asset("file:///arrivals")


class PageLink(BaseOperatorLink):
    """Leads to the page of a run."""

    name = "Page"

    def get_link(self, operator, *, ti_key):
        return f"https://example.org/{ti_key.dag_id}"


class WaitForever(BaseOperator):
    """Runs until it is told to stop."""

    template_fields = ("greeting",)
    operator_extra_links = (PageLink(),)

    def __init__(self, *, greeting, **kwargs):
        super().__init__(**kwargs)
        self.greeting = greeting

    def execute(self, context):
        self.told_to_stop = threading.Event()
        self.log.info("%s, and now we wait", self.greeting)
        self.told_to_stop.wait()

    def on_kill(self):
        self.log.info("told to stop")
        self.told_to_stop.set()


class Defer(BaseOperator):
    """Hands itself to the triggerer for a moment."""

    def execute(self, context):
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=2)), method_name="resume")

    def resume(self, context, event=None):
        return "resumed"


with DAG("smoke_killed", schedule=None):

    @task(retries=2, retry_delay=AT_ONCE)
    def patient(task_state_store=None, ti=None):
        """Remembers its tries, and waits to be killed as often as the run's conf says."""
        tries = [*task_state_store.get("tries", default=[]), ti.try_number]
        task_state_store.set("tries", tries)
        if len(tries) <= get_current_context()["dag_run"].conf["deaths"]:
            threading.Event().wait()
        return {"process": os.getpid()}

    patient()

with DAG("smoke_stopped", schedule=None):
    WaitForever(task_id="waits", greeting="Good day, {{ dag_run.conf['name'] }}")

with DAG("smoke_mapped", schedule=None):

    @task
    def shout(word):
        """Return the word, louder."""
        return word.upper()

    shout.expand(word=["a", "b"])

with DAG(
    "smoke_daily", schedule="@daily", start_date=datetime(2020, 1, 1), end_date=datetime(2020, 1, 9), catchup=False
):

    @task
    def day():
        """Return the run's logical date."""
        return get_current_context()["logical_date"].date().isoformat()

    day()

with DAG("smoke_arrivals", schedule=[ARRIVALS]):

    @task
    def path(triggering_asset_events=None):
        """Return what the asset event said."""
        (events,) = triggering_asset_events.values()
        return events[0].extra["path"]

    path()

with DAG("smoke_deferred", schedule=None):
    Defer(task_id="later", retries=1, retry_delay=AT_ONCE)
