"""Calls of MrAssistant that are in progress: transfer one, end one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, Context, XComArg

from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown, Rejected, Unauthorized, VendorError
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.tasks.failures import fail_without_retry_if_invalid
from airflow_provider_callkaro.tasks.mrassistant.operator import MrAssistantOperator
from airflow_provider_callkaro.tasks.mrassistant.transfer_memory import TransferMemory
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.vendors.mrassistant.calls import check_transfer
from airflow_provider_callkaro.vendors.mrassistant.settings import read_yes_or_no

OVER = ("ended", "failed")  # source: list agent calls, status_filter


class MrAssistantTransferCallOperator(MrAssistantOperator):
    """Transfer a call to a person or another line, and return the call's id. This rings the person or line.

    MrAssistant takes no idempotency key, so a transfer is sent once. If its answer is lost, the task fails without a
    retry. A retry after a worker died reads the task's state (Airflow 3.3 and later): it does not repeat a transfer
    that MrAssistant accepted, and it fails if MrAssistant may have accepted one; another run of the DAG sends a new
    one. Without a task state such a retry looks at the call, and sends the transfer unless the call is over. The hook
    and a retry send again what is retry-safe: a refused connection, a rate limit.

    :param call_id: the call, such as the output of `MrAssistantOutboundCallOperator`. Templated.
    :param transfer_to: ``tel:`` and a number, or ``sip:`` and an address. Templated, never shown.
    :param transfer_type: ``cold`` (the agent leaves at once, default) or ``warm``. Templated.
    :param play_dialtone: whether to play a dial tone meanwhile. Default: MrAssistant's, which is no. Templated.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    :raises ConfigurationError: an argument that is no template cannot work.
    """

    template_fields: Sequence[str] = (
        "call_id",
        "transfer_to",
        "transfer_type",
        "play_dialtone",
        *MrAssistantOperator.template_fields,
    )
    never_shown = frozenset({"transfer_to"})

    def __init__(
        self,
        *,
        call_id: str,
        transfer_to: str,
        transfer_type: str = "cold",
        play_dialtone: bool | str | None = None,
        mrassistant_conn_id: str = MrAssistantHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(mrassistant_conn_id=mrassistant_conn_id, **kwargs)
        self.call_id = call_id
        self.transfer_to = Redacted(transfer_to)
        self.transfer_type = transfer_type
        self.play_dialtone = play_dialtone
        XComArg.apply_upstream_relationship(self, transfer_to)
        if all(isinstance(each, str) and "{" not in each for each in (transfer_to, transfer_type)):
            check_transfer(transfer_to, transfer_type)
        self._check_literals()

    def execute(self, context: Context) -> str:
        """Transfer the call, unless an earlier try did, or may have."""
        from airflow_provider_callkaro.hooks.ledger import ledger_keys  # heavy, and no DAG file needs it

        self._refuse_empty()
        memory = TransferMemory(
            context,
            call_id=self.call_id,
            transfer_to=str(self.transfer_to.value),
            keys=ledger_keys(self.mrassistant_conn_id),
        )
        if memory.was_taken:
            self.log.info("An earlier try transferred call %s; it is not transferred again", self.call_id)
            return self.call_id
        if memory.was_sent:
            raise AirflowFailException(
                f"an earlier try may have transferred call {self.call_id}: it is not sent again. Look at the call in "
                "MrAssistant; another run of the DAG transfers it anew"
            )
        if context["ti"].try_number > 1 and not memory.lasts:
            self._refuse_if_over()
        try:
            dialtone = None if self.play_dialtone is None else read_yes_or_no("play_dialtone", self.play_dialtone)
            self.hook.connection  # noqa: B018 - a connection that is missing has sent nothing
            memory.keep("sent")
            self.hook.transfer_call(
                self.call_id, self.transfer_to.value, transfer_type=self.transfer_type, play_dialtone=dialtone
            )
        except OutcomeUnknown as error:
            raise AirflowFailException(
                f"{error}; the transfer of call {self.call_id} is not sent again, because it may have come about"
            ) from error
        except (Rejected, Unauthorized, ConfigurationError) as error:
            memory.forget()
            raise AirflowFailException(str(error)) from error
        except VendorError:
            memory.forget()
            raise
        memory.keep("taken")
        self.log.info("Call %s is transferred (%s)", self.call_id, self.transfer_type)
        return self.call_id

    def _refuse_if_over(self) -> None:
        status = fail_without_retry_if_invalid(self.hook.get_call, self.call_id).status
        if status in OVER:
            raise AirflowFailException(f"call {self.call_id} is {status}: it cannot be transferred")


class MrAssistantEndCallOperator(MrAssistantOperator):
    """End a call, and return its id. A call that is over already is no error, whoever ended it.

    The request is retry-safe: ending a call twice changes nothing. Its path is inferred; no page of MrAssistant shows
    it.

    :param call_id: the call, such as the output of `MrAssistantOutboundCallOperator`. Templated.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    """

    template_fields: Sequence[str] = ("call_id", *MrAssistantOperator.template_fields)

    def __init__(
        self, *, call_id: str, mrassistant_conn_id: str = MrAssistantHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(mrassistant_conn_id=mrassistant_conn_id, **kwargs)
        self.call_id = call_id
        self._check_literals()

    def execute(self, context: Context) -> str:  # noqa: ARG002 - Airflow's signature
        """End the call, unless it is over."""
        self._refuse_empty()
        try:
            fail_without_retry_if_invalid(self.hook.end_call, self.call_id)
        except (AirflowFailException, OutcomeUnknown) as error:
            if not self._is_over(error):
                raise
            self.log.info("Call %s was over already", self.call_id)
        else:
            self.log.info("Call %s is ended", self.call_id)
        return self.call_id

    def _is_over(self, error: Exception) -> bool:
        """Whether the call is over, where MrAssistant refused to end it or its answer was lost."""
        if not isinstance(error, OutcomeUnknown) and not isinstance(error.__cause__, Rejected):
            return False
        try:
            return self.hook.get_call(self.call_id).status in OVER
        except VendorError:
            return False
