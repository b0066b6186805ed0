"""The messages of a campaign's run: what the log says while it waits, and what the errors say that end it."""

from __future__ import annotations

import logging

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.vendors.callaro.answers import CallaroCampaign
from airflow_provider_callkaro.vendors.callaro.states import CampaignState


def standing(campaign: CallaroCampaign) -> tuple[int, str, *tuple[object, ...]]:
    """The state of a campaign whose end the run waits for: the arguments of ``log.log``."""
    match campaign.state:
        case CampaignState.PAUSED:
            text = (
                "Campaign %s is paused, and as far as this task knows not by it: waiting until somebody resumes or "
                "cancels it"
            )
        case CampaignState.DRAFT:
            text = (
                "Callaro took the launch of campaign %s and calls it a draft still: it is not launched again. Waiting; "
                "if it stays one, launch it in Callaro"
            )
        case CampaignState.OTHER:
            text = (
                'Campaign %s is "%s", which is no state that is known; waiting. Should that be one, say which in the '
                'extra of the connection, as in "states": {"%s": "completed"}'
            )
            word = mask_text(campaign.status)
            return logging.WARNING, text, campaign.id, word, word
        case _:
            return logging.INFO, "Campaign %s is %s; waiting for its end", campaign.id, campaign.state
    return logging.WARNING, text, campaign.id


def wait_is_over(campaign: CallaroCampaign) -> AirflowException:
    """The error that ends a wait whose ``wait_timeout`` is over."""
    goes_on = "" if campaign.state in (CampaignState.DRAFT, CampaignState.PAUSED) else "it goes on, and "
    return AirflowException(
        f"campaign {campaign.id} is {mask_text(campaign.status)}, and wait_timeout is over: {goes_on}a retry of the "
        "task waits on"
    )


def unknown_word(campaign: CallaroCampaign) -> AirflowFailException:
    """The error that ends a run whose new campaign is in an unknown state."""
    word = mask_text(campaign.status)
    if word == CampaignState.OTHER:
        return AirflowFailException(
            f"campaign {campaign.id} has been made, and nothing in Callaro's answer says how it stands: it is not "
            'launched. If its state is told by another path, set "get" in the "routes" of the connection\'s extra'
        )
    return AirflowFailException(
        f'campaign {campaign.id} has been made, and Callaro calls it "{word}", which is no state that is known: it is '
        "not launched. If that is Callaro's word for a draft, say so in the extra of the connection, "
        f'"states": {{"{word}": "draft"}}, and clear the task'
    )
