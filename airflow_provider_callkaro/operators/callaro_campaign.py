"""A task's own Callaro campaign: made once, and found again by every later try.

Callaro takes no idempotency key, so the campaign's name carries one: a mark made of the task instance. A retry, a
cleared task and the successor of a killed worker look for it in the list before they make anything, on every Airflow;
on 3.3 and later the task's state remembers the id too, and the list need not be read.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.operators.task_run import run_name, task_state_of
from airflow_provider_callkaro.vendors.callaro_answers import CallaroCampaign, CampaignId, campaign_in_list

STATE = "callaro_campaign"  # the key in the task's state
LOOKS = 3  # how often a campaign whose answer was lost is looked for in the list
_MARK = re.compile(r" \[[0-9a-f]{8}\]\s*$")

log = logging.getLogger(__name__)


def mark_of(context: Mapping[str, Any]) -> str:
    """What stands behind the name of a task's own campaign: the same for all tries of a task instance of one run."""
    return f" [{blake2b(run_name(context).encode(), digest_size=4).hexdigest()}]"


def own_campaign(
    hook: CallaroHook, context: Mapping[str, Any], *, name: str, fields: Mapping[str, Any]
) -> CallaroCampaign:
    """The task's own campaign: the one that an earlier try made, or a new one. Never a second one.

    :param name: what it is called; the mark is put behind it.
    :param fields: the other fields of a new campaign.
    :raises OutcomeUnknown: it may have been created, and is not in the list yet. The next try looks for it again.
    """
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError("name is empty: a campaign needs one")
    marked = f"{name.strip()}{mark_of(context)}"
    if "name" in fields:
        raise ConfigurationError("extra_fields holds a name: give it as name, because a retry finds the campaign by it")
    return _own(hook, context, create=lambda: hook.create_campaign({"name": marked, **fields}))


def own_clone(
    hook: CallaroHook,
    context: Mapping[str, Any],
    *,
    campaign_id: CampaignId,
    name: str | None,
    fields: Mapping[str, Any],
) -> CallaroCampaign:
    """The task's own clone of a campaign: the one that an earlier try made, or a new one.

    :param name: what the clone is called; None: as the campaign. The mark is put behind it.
    :param fields: what else is to be different.
    :raises OutcomeUnknown: it may have been made, and is not in the list yet. The next try looks for it again.
    """
    if "name" in fields:
        raise ConfigurationError("extra_fields holds a name: give it as name, because a retry finds the clone by it")

    def create() -> CallaroCampaign:
        plain = name or _MARK.sub("", hook.get_campaign(campaign_id).name)
        marked = f"{plain.strip()}{mark_of(context)}"
        clone = hook.clone(campaign_id, {"name": marked, **fields})
        if clone.name != marked:  # what a clone takes of its request is not documented
            return hook.update_campaign(clone.id, {"name": marked})
        return clone

    return _own(hook, context, create=create)


def _own(hook: CallaroHook, context: Mapping[str, Any], *, create: Callable[[], CallaroCampaign]) -> CallaroCampaign:
    store = task_state_of(context)
    remembered = store.get(STATE, default={}).get("campaign_id") if store is not None else None
    if remembered is not None:
        log.info("An earlier try made campaign %s; using it", remembered)
        return hook.get_campaign(remembered)
    mark = mark_of(context)
    campaign = _find(hook, mark)
    if campaign is not None:
        log.info("An earlier try made campaign %s; using it", campaign.id)
    else:
        campaign = _created(hook, mark, create=create)
    if store is not None:
        store.set(STATE, {"campaign_id": campaign.id})
    return campaign


def _created(hook: CallaroHook, mark: str, *, create: Callable[[], CallaroCampaign]) -> CallaroCampaign:
    """A new campaign. Where the answer was lost it is looked for, and not created again."""
    try:
        campaign = create()
    except OutcomeUnknown as lost:
        for attempt in range(1, LOOKS + 1):
            hook.wait_after(lost, attempt=attempt)
            found = _find(hook, mark)
            if found is not None:
                log.info("The answer was lost, but campaign %s was made", found.id)
                return found
        raise
    if not campaign.name.endswith(mark):
        log.warning(
            "Callaro did not keep the name of campaign %s: without its mark%s a retry may not find it",
            campaign.id,
            mark,
        )
    log.info("Made campaign %s", campaign.id)
    return campaign


def _find(hook: CallaroHook, mark: str) -> CallaroCampaign | None:
    """The campaign with this mark behind its name; what stands before it may be rendered differently by each try."""
    campaigns = (campaign_in_list(item) for item in hook.list_campaigns())
    return next((campaign for campaign in campaigns if campaign and campaign.name.strip().endswith(mark.strip())), None)
