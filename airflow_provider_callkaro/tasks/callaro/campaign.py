"""A task's own Callaro campaign: made once, and found again by every later try.

Callaro takes no idempotency key, so the campaign's name carries one: a mark made of the task instance. On every
Airflow, a retry, a cleared task and the successor of a killed worker look for the mark in the list before they make
anything. On 3.3 and later the task's state remembers the id too, and no try needs the list.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, Context

from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown, Rejected, VendorError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.callaro.campaign_memory import CampaignMemory, Launch
from airflow_provider_callkaro.tasks.identity import run_name
from airflow_provider_callkaro.vendors.callaro.answers import CallaroCampaign, CampaignId, campaign_in_list
from airflow_provider_callkaro.vendors.callaro.api import Callaro
from airflow_provider_callkaro.vendors.callaro.states import CampaignState

LOOKS = 3  # how often a try looks for a campaign that the list may not show yet
_ITS_OWN = frozenset({"id", "campaign_id", "status", "state", "created_at", "updated_at", "launched_at", "paused_at"})
_MARK = re.compile(r" \[[0-9a-f]{8}\]\s*$")

log = logging.getLogger(__name__)


def mark_of(context: Context) -> str:
    """The idempotency key behind the name of a task's own campaign: one for all tries of a task instance of one run."""
    return f" [{blake2b(run_name(context).encode(), digest_size=4).hexdigest()}]"


def own_campaign(hook: CallaroHook, context: Context, *, name: str, fields: Mapping[str, Any]) -> CallaroCampaign:
    """The task's own campaign: the one that an earlier try made, or a new one.

    An earlier try's campaign that is still a draft is updated to these fields, where its own differ.

    :param name: its name, without the mark.
    :param fields: the other fields of the campaign.
    :raises OutcomeUnknown: it may exist, and the list does not show it yet. The next try looks for it again.
    :raises AirflowFailException: there are several.
    """
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError("name is empty: a campaign needs one")
    marked = f"{name.strip()}{mark_of(context)}"
    if "name" in fields:
        raise ConfigurationError("extra_fields holds a name: give it as name, because a retry finds the campaign by it")
    memory = CampaignMemory(context)

    def create() -> CallaroCampaign:
        memory.keep_fields(fields)
        return hook.create_campaign({"name": marked, **fields})

    adopted = _adopted(hook, context)
    if adopted is None:
        return _made(hook, context, create=create)
    return _updated_to(fields, hook, memory, adopted)


def own_clone(
    hook: CallaroHook,
    context: Context,
    *,
    campaign_id: CampaignId,
    name: str | None,
    fields: Mapping[str, Any],
    prefill: bool = False,
) -> CallaroCampaign:
    """The task's own clone of a campaign: the one that an earlier try made, or a new one.

    :param name: the clone's name, without the mark; None takes the campaign's.
    :param fields: other fields that differ from the campaign's.
    :param prefill: send every field that ``clone_prefill`` shows, rather than leave them to Callaro.
    :raises OutcomeUnknown: the clone may exist, and the list does not show it yet. The next try looks for it again.
    """
    if "name" in fields:
        raise ConfigurationError("extra_fields holds a name: give it as name, because a retry finds the clone by it")

    def create() -> CallaroCampaign:
        plain = name or _MARK.sub("", hook.get_campaign(campaign_id).name)
        marked = f"{plain.strip()}{mark_of(context)}"
        before = settings_in(hook.clone_prefill(campaign_id)) if prefill else {}
        clone = hook.clone(campaign_id, {**before, **fields, "name": marked})
        if clone.name != marked:  # what a clone takes of its request is not documented
            return hook.update_campaign(clone.id, {"name": marked})
        return clone

    return _adopted(hook, context) or _made(hook, context, create=create)


def existing_campaign(hook: CallaroHook, context: Context) -> CallaroCampaign | None:
    """The campaign that an earlier try of the task made, as it stands now; None where there is none."""
    return _adopted(hook, context)


def look_for_a_launch(hook: CallaroHook, campaign_id: CampaignId) -> CallaroCampaign:
    """Look again at a draft whose launch an earlier try may have sent: Callaro may have taken it, and not show it yet.
    Returns the campaign after at most three more looks."""
    campaign = replace(hook.get_campaign(campaign_id), id=campaign_id)
    for attempt in range(1, LOOKS + 1):
        if campaign.state is not CampaignState.DRAFT:
            break
        log.info("An earlier try may have launched campaign %s; looking again", campaign_id)
        hook.wait_after(VendorError("it is a draft", vendor=Callaro.name), attempt=attempt)
        campaign = replace(hook.get_campaign(campaign_id), id=campaign_id)
    return campaign


def settings_in(prefill: Mapping[str, Any]) -> dict[str, Any]:
    """The fields for a clone, without those that belong to the campaign it is cloned from."""
    inner = prefill.get("prefill", prefill.get("campaign", prefill))
    fields = inner if isinstance(inner, Mapping) else prefill
    return {name: value for name, value in fields.items() if name not in _ITS_OWN and value is not None}


def refuse_a_second(hook: CallaroHook, context: Context, campaign_id: CampaignId) -> None:
    """Refuse the first launch of the task's own campaign while another one carries the same mark.

    Two tries that run at once, or a request that arrives late, may have made two.

    :param campaign_id: the task's own.
    :raises AirflowFailException: there are several; or the list shows none, and no later try could find this one.
    """
    mark = mark_of(context)
    for attempt in range(1, LOOKS + 1):
        listed = _all_with(hook, mark)
        several = {str(each): each for each in (campaign_id, *listed)}
        if len(several) > 1:
            raise _several(several.values(), context)
        if listed:
            return
        if attempt < LOOKS:
            hook.wait_after(VendorError("the list does not show it", vendor=Callaro.name), attempt=attempt)
    if not CampaignMemory(context).lasts:
        raise AirflowFailException(
            f"campaign {campaign_id} is not launched: Callaro's list does not show it with its mark{mark}, so a retry "
            "of the task could not find it and would launch a second one. Run on Airflow 3.3 or later, where the task "
            'remembers it, or correct the "list" route in the extra of the connection'
        )
    log.warning("Callaro's list does not show campaign %s with its mark%s; the task remembers it", campaign_id, mark)


def _adopted(hook: CallaroHook, context: Context) -> CallaroCampaign | None:
    """The campaign that an earlier try made, as it stands now."""
    memory = CampaignMemory(context)
    known = memory.campaign_id
    if known is None:
        known = _find(hook, context)
        if known is None:
            return None
        memory.keep_campaign(known)
    log.info("An earlier try made campaign %s; using it", known)
    return replace(hook.get_campaign(known), id=known)


def _made(hook: CallaroHook, context: Context, *, create: Callable[[], CallaroCampaign]) -> CallaroCampaign:
    """A new campaign. If its answer is lost, look for it, and do not create it again."""
    mark = mark_of(context)
    try:
        campaign = create()
    except OutcomeUnknown as lost:
        for attempt in range(1, LOOKS + 1):
            hook.wait_after(lost, attempt=attempt)
            found = _find(hook, context)
            if found is not None:
                log.info("The answer was lost, but campaign %s was made", found)
                CampaignMemory(context).keep_campaign(found)
                return replace(hook.get_campaign(found), id=found)
        raise
    CampaignMemory(context).keep_campaign(campaign.id)
    if not campaign.name.strip().endswith(mark.strip()):
        log.warning(
            "Callaro did not keep the name of campaign %s: without its mark%s a retry may not find it",
            campaign.id,
            mark,
        )
    log.info("Made campaign %s", campaign.id)
    return campaign


def _updated_to(
    fields: Mapping[str, Any], hook: CallaroHook, memory: CampaignMemory, campaign: CallaroCampaign
) -> CallaroCampaign:
    """An earlier try's campaign, with the fields of this try if it is a draft that no try has launched."""
    if campaign.state is not CampaignState.DRAFT or memory.launch_of(campaign.id) is Launch.TAKEN:
        return campaign
    shown = campaign.raw
    differing = sorted(name for name in fields.keys() & shown.keys() if not _same(fields[name], shown[name]))
    if not differing and not memory.has_other_fields(fields):
        return campaign
    log.info(
        "Draft %s was made with other fields than this try's (%s); updating it",
        campaign.id,
        ", ".join(differing) or "which ones Callaro does not show",
    )
    try:
        updated = hook.update_campaign(campaign.id, fields)
    except Rejected:
        now = hook.get_campaign(campaign.id)
        if now.state is CampaignState.DRAFT:
            raise
        log.warning("Campaign %s is %s by now, and keeps the fields it has", campaign.id, now.state)
        return replace(now, id=campaign.id)
    memory.keep_fields(fields)
    return replace(updated, id=campaign.id)


def _same(wanted: object, shown: object) -> bool:
    """Whether the vendor shows the value we want; it may show more, and numbers as texts."""
    if isinstance(wanted, Mapping) and isinstance(shown, Mapping):
        return all(name in shown and _same(value, shown[name]) for name, value in wanted.items())
    if isinstance(wanted, (list, tuple)) and isinstance(shown, list):
        return len(wanted) == len(shown) and all(map(_same, wanted, shown))
    return bool(wanted == shown) or str(wanted) == str(shown)


def _find(hook: CallaroHook, context: Context) -> CampaignId | None:
    """The task's own campaign, as the list shows it. Raises AirflowFailException if there are several."""
    found = _all_with(hook, mark_of(context))
    if len(found) > 1:
        raise _several(found, context)
    return found[0] if found else None


def _all_with(hook: CallaroHook, mark: str) -> list[CampaignId]:
    """The campaigns with this mark behind their names; each try may render the rest of the name differently."""
    campaigns = (campaign_in_list(item) for item in hook.list_campaigns())
    found = (each for each in campaigns if each is not None and each.name.strip().endswith(mark.strip()))
    return list({str(each.id): each.id for each in found}.values())


def _several(campaigns: Iterable[CampaignId], context: Context) -> AirflowFailException:
    """The error about several campaigns of one task. The next try finds the one that stays in the list."""
    CampaignMemory(context).forget_campaign()
    ids = ", ".join(str(each) for each in campaigns)
    return AirflowFailException(
        f"there are several campaigns of this task, {ids}, as after two tries at once or a request that came late: "
        f"this try launches none. In Callaro, delete all but one, or take the mark{mark_of(context)} off their names; "
        "then clear the task"
    )
