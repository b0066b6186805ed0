"""What is made from a Callaro campaign: a clone, the fields that a clone would begin with, a template.

A clone and a template are created once. If an answer is lost, the next try finds a clone by the mark in its name. No
list of templates is documented, so the next try of a template fails and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, Context, XComArg

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import OutcomeUnknown, VendorError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.callaro.campaign import own_clone, settings_in
from airflow_provider_callkaro.tasks.callaro.campaign_memory import CampaignMemory, Launch, may_have_been_made
from airflow_provider_callkaro.tasks.callaro.operator import CallaroOperator, check_plain, read_mapping
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId, campaign_id_in
from airflow_provider_callkaro.vendors.callaro.fields import KNOWN

MOST_NAMES = 100  # names of fields in one XCom


class CallaroCloneCampaignOperator(CallaroOperator):
    """Create a draft campaign like another one, and return the new one's id. It places no call.

    The name gets a mark, as in `CallaroCreateCampaignOperator`: a retry, a cleared task and the successor of a killed
    worker find their own clone in the list, and make no second one.

    :param campaign_id: the campaign to clone, as Callaro names it. Templated.
    :param name: the clone's name; default: the campaign's. Templated.
    :param extra_fields: other fields that differ from the campaign's, sent as they are. Templated, never shown.
    :param prefill: whether to send every field that ``clone_prefill`` shows, for accounts whose ``clone`` copies
        nothing by itself. Default: no.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("name", "extra_fields", "campaign_id", "callaro_conn_id")
    never_shown = frozenset({"extra_fields"})
    ui_color = "#e1e9f5"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        name: str | None = None,
        extra_fields: Mapping[str, Any] | None = None,
        prefill: bool = False,
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        check_plain(name=name)
        self.campaign_id = campaign_id
        self.name = name
        self.extra_fields = Redacted(extra_fields)
        XComArg.apply_upstream_relationship(self, extra_fields)
        self.prefill = prefill
        self._check_literals()

    def execute(self, context: Context) -> CampaignId:
        """Make the clone, or find the one that an earlier try made."""
        clone = fail_without_retry(
            own_clone,
            self.hook,
            context,
            campaign_id=self.campaign_id,
            name=self.name,
            fields=read_mapping("extra_fields", self.extra_fields.value),
            prefill=self.prefill,
        )
        return self._returned(clone, f"a clone of {self.campaign_id}")


class CallaroClonePrefillOperator(CallaroOperator):
    """Ask with which fields a clone of a campaign would begin, and return those that are settings.

    Returns ``{"fields": {…}, "other_fields": […]}``: the values of ``name``, ``agent_id``, ``timezone``,
    ``campaign_phone_number_ids`` and ``concurrency_limit``, and only the names of all others, because an audience must
    not stand in an XCom. It changes nothing.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("campaign_id", "callaro_conn_id")
    ui_color = "#e8eef2"

    def __init__(
        self, *, campaign_id: CampaignId, callaro_conn_id: str = CallaroHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        self.campaign_id = campaign_id
        self._check_literals()

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Ask."""
        answer = settings_in(fail_without_retry(self.hook.clone_prefill, self.campaign_id))
        others = sorted(name for name in answer if name not in KNOWN and mask_text(name) == name)
        return {"fields": {name: answer[name] for name in KNOWN if name in answer}, "other_fields": others[:MOST_NAMES]}


class CallaroSaveAsTemplateOperator(CallaroOperator):
    """Make a template of a campaign, and return the template's id, or None where Callaro gives none.

    A template is made once. If its answer is lost, a retry fails, because Callaro has no list of templates to look in;
    ``repeat_unknown=True`` makes it all the same. A task that is cleared after it made a template returns the same id.
    Before Airflow 3.3 the task remembers nothing, so only its first try makes one.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param name: the template's name; default: Callaro's choice. Templated.
    :param repeat_unknown: whether to make again a template that may have been made. Default: no.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("campaign_id", "name", "callaro_conn_id")
    ui_color = "#e1e9f5"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        name: str | None = None,
        repeat_unknown: bool = False,
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        check_plain(name=name)
        self.campaign_id = campaign_id
        self.name = name
        self.repeat_unknown = repeat_unknown
        self._check_literals()

    def execute(self, context: Context) -> CampaignId | None:
        """Make the template, unless an earlier try has, or may have."""
        memory = CampaignMemory(context)
        if memory.making is Launch.TAKEN:
            self.log.info("An earlier try made template %s of campaign %s", memory.made_id, self.campaign_id)
            return memory.made_id
        if may_have_been_made(memory, context) and not self.repeat_unknown:
            raise AirflowFailException(
                f"a template of campaign {self.campaign_id} may have been made by an earlier try, and Callaro lists "
                "none: it is not made again. Look in Callaro; if it is not there, set repeat_unknown=True and clear "
                "the task"
            )
        memory.keep_making(Launch.SENT)
        try:
            answer = fail_without_retry(self.hook.save_as_template, self.campaign_id, self.name)
        except (VendorError, AirflowFailException) as error:
            if not isinstance(error, OutcomeUnknown):
                memory.forget_making()
            raise
        template_id = campaign_id_in(answer) or campaign_id_in({"id": answer.get("template_id")})
        memory.keep_making(Launch.TAKEN, template_id)
        self.log.info("Campaign %s is a template: %s", self.campaign_id, template_id)
        return template_id
