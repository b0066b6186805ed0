"""The base of the MrAssistant operators that send one request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.tasks.arguments import provided_arguments, refuse_empty_arguments
from airflow_provider_callkaro.tasks.failures import fail_without_retry_if_invalid
from airflow_provider_callkaro.tasks.rendering import RendersLiterals


class MrAssistantOperator(RendersLiterals):
    """The common part of the operators that send MrAssistant one request; not to be used by itself.
    ``mrassistant_conn_id``: the MrAssistant connection. Templated."""

    template_fields: Sequence[str] = ("mrassistant_conn_id",)
    ui_color = "#dfe6f5"

    def __init__(self, *, mrassistant_conn_id: str = MrAssistantHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mrassistant_conn_id = mrassistant_conn_id

    @cached_property
    def hook(self) -> MrAssistantHook:
        """The MrAssistant hook."""
        return MrAssistantHook(self.mrassistant_conn_id)

    def _refuse_empty(self) -> None:
        """Fail without a retry if an argument that is set is empty."""
        fail_without_retry_if_invalid(refuse_empty_arguments, self, provided_arguments(self, self.template_fields))
