"""The webhooks that a message queue brings, for those who put one between the internet and Airflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.tasks.arguments import provided_arguments, refuse_empty_arguments
from airflow_provider_callkaro.tasks.rendering import RendersLiterals

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class CallOutcomesFromQueueOperator(RendersLiterals):
    """Write the webhooks of a message queue beside the ledger, as the receiver writes those that come by HTTP.

    It belongs into a DAG that an asset starts: ``schedule=Asset("outcomes", watchers=[AssetWatcher(name="queue",
    trigger=MessageQueueTrigger(scheme="sqs", …))])`` (Airflow 3.0 and later, with
    ``apache-airflow-providers-common-messaging`` and the provider of the queue). A message is the body of a webhook, as
    the vendor sent it. No signature is checked: whoever may write into the queue may write outcomes.

    Returns ``{"messages", "recorded", "unchanged", "ignored", "unreadable"}``; the last four add up to ``messages``.
    Twice is the same as once. If a message is no webhook of this vendor, the task fails once all others are written.

    :param conn_id: the vendor's connection, with ``webhooks`` in its extra. Templated.
    :raises ConfigurationError: the connection has no webhooks, or no message started this run.
    """

    template_fields: Sequence[str] = ("conn_id",)
    ui_color = "#e3ecf1"

    def __init__(self, *, conn_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self._provided = provided_arguments(self, self.template_fields)

    def execute(self, context: Context) -> dict[str, int]:
        """Read the messages that started this run, and write what they say."""
        from airflow.providers.common.compat.sdk import AirflowFailException

        from airflow_provider_callkaro.tasks.queued_webhooks import record_queued_webhooks

        refuse_empty_arguments(self, self._provided)
        counts = record_queued_webhooks(context, conn_id=self.conn_id)
        told = (counts["messages"], counts["recorded"], counts["unchanged"], counts["ignored"], counts["unreadable"])
        self.log.info("%d messages: %d recorded, %d said nothing new, %d ignored, %d unreadable", *told)
        if counts["unreadable"]:
            raise AirflowFailException(
                f"{counts['unreadable']} of {counts['messages']} messages are no webhooks of the vendor of connection "
                f'"{self.conn_id}": see what else writes into the queue; the others are recorded'
            )
        return counts
