"""How Callaro's answers are read.

No answer of the campaign routes is documented. They are read with the common envelope (``{"data": …, "meta": …}``) and
without it; a campaign's id is whatever Callaro says it is; fields that are not known are kept and not judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import OutcomeUnknown
from airflow_provider_callkaro.vendors.answers import read_told
from airflow_provider_callkaro.vendors.callaro.paging import Paging, paging_of
from airflow_provider_callkaro.vendors.callaro.refusals import NAME, raise_callaro_refusal
from airflow_provider_callkaro.vendors.callaro.states import CampaignState, in_known_words, read_state, state_word
from airflow_provider_callkaro.vendors.http import Response

MAX_ID_LENGTH = 200  # characters; ours
_ID_FIELDS = ("id", "campaign_id", "bulk_call_campaign_id")
_STATE_FIELDS = ("status", "state")
_ENVELOPE_WORDS = frozenset({"success", "ok", "done", "error", "fail"})  # what a ``status`` says of an answer
_SAYS_NOTHING: tuple[Any, ...] = ({}, [], None, True)  # of a yes; in JSON
_NO_LISTS = frozenset({"errors", "warnings", "links"})  # beside the list that was asked for

CampaignId: TypeAlias = int | str
"""A campaign's id: a number in the guide, a text elsewhere in the vendor's pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallaroCampaign:
    """One campaign, as Callaro tells of it.

    :param id: as the vendor gave it, a number or a text.
    :param state: how it stands.
    :param raw: everything that the vendor said of it.
    """

    id: CampaignId
    name: str
    state: CampaignState
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def status(self) -> str:
        """How it stands in one word: the state, or the vendor's own word where the state is `other`."""
        return state_word(self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list.

    :param paging: what it says of the others.
    """

    items: Sequence[dict[str, Any]] = field(repr=False)
    paging: Paging = field(default_factory=Paging)

    @property
    def pages(self) -> int | None:
        """How many there are; None where the vendor does not say."""
        return self.paging.pages

    @property
    def hints_at_more(self) -> bool:
        """Whether it says that there is more, in a way that is no number of pages."""
        return self.paging.goes_on


Words: TypeAlias = Mapping[str, CampaignState]
"""Which state each of an account's own words means."""

_OURS: Words = MappingProxyType({})


def read_campaign(response: Response, *, asked: CampaignId | None = None, words: Words = _OURS) -> CallaroCampaign:
    """The campaign that an answer tells of.

    :param asked: its id, where it was asked for by its id.
    :param words: which state each of the account's own words means.
    :raises OutcomeUnknown: there is none in the answer, nothing names it, or it is another one.
    """
    told = _in_fit_words(response, in_known_words(_campaign_in(_told(response)), words))
    found = campaign_id_in(told)
    if found is None and _tells_a_state(told):
        found = asked
    if found is None:
        raise _unknown("without a campaign that has an id", response, reason=Reason.NO_CALL_ID)
    if asked is not None and str(found) != str(asked):
        raise _unknown("with another campaign than the one asked for", response, reason=Reason.UNREADABLE_ANSWER)
    return _campaign(told, _fit(response, found) if asked is None else found)


def read_change(response: Response, *, asked: CampaignId, words: Words = _OURS) -> CallaroCampaign | None:
    """The campaign after a change that Callaro took; None where the answer does not say how it stands now.

    This reads the answers to launch, resume, pause, cancel and update. A 409 is `Rejected` here: the campaign's state
    forbids what was asked, and nobody is rung for it.

    :param asked: the campaign's id. What the answer says of anything else, such as a job, is not read.
    :param words: which state each of the account's own words means.
    :raises OutcomeUnknown: the answer calls it an error, or cannot be read: then it may be a gateway's.
    """
    if 200 <= response.status < 300 and _says_nothing(response):
        return None
    answer = _yes(response)
    told = _in_fit_words(response, in_known_words(_campaign_in(answer), words))
    found = campaign_id_in(told)
    if read_state(told) is CampaignState.OTHER or (found is not None and str(found) != str(asked)):
        return None
    return _campaign(told, asked if found is None else found)


def read_object(response: Response) -> dict[str, Any]:
    """What an answer says, without its envelope; a bare list stands under ``data``.

    :raises OutcomeUnknown: it cannot be read, or calls itself an error.
    """
    whole = response.json_value()
    if 200 <= response.status < 300 and isinstance(whole, list) and whole:
        return {"data": whole}
    answer = _yes(response)
    data = answer.get("data")
    told = data if isinstance(data, dict) else answer
    ids = {name: value for name, value in told.items() if name.endswith("id") and isinstance(value, (int, str))}
    return {**told, **{name: _fit(response, value) for name, value in ids.items()}}


def read_page(response: Response, *, words: Words = _OURS) -> Page:
    """One page of a list: ``data`` is the list, or an object with one list in it.

    :param words: which state each of the account's own words means.
    :raises OutcomeUnknown: there is no list in the answer.
    """
    whole = response.json_value()
    if 200 <= response.status < 300 and isinstance(whole, list):
        return Page(items=_objects(whole, words))
    answer = _told(response)
    data = answer.get("data", answer)
    paging = paging_of(answer)
    if isinstance(data, list):
        return Page(items=_objects(data, words), paging=paging)
    named = data.items() if isinstance(data, dict) else ()
    lists = [value for name, value in named if isinstance(value, list) and name not in _NO_LISTS]
    if data is None or (data and len(lists) != 1):
        raise _unknown("without the list that was asked for", response, reason=Reason.UNREADABLE_ANSWER)
    return Page(items=_objects(lists[0], words) if lists else [], paging=paging)


def campaign_in_list(item: Mapping[str, Any]) -> CallaroCampaign | None:
    """A campaign as a list shows it; None where nothing names it."""
    found = campaign_id_in(item)
    return None if found is None else _campaign(item, found)


def campaign_id_in(campaign: Mapping[str, Any]) -> CampaignId | None:
    """A campaign's id as the vendor gave it; None where there is none that a path could carry."""
    for name in _ID_FIELDS:
        value = campaign.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and 0 < len(value.strip()) <= MAX_ID_LENGTH and value.isprintable():
            return value
    return None


def _campaign(told: Mapping[str, Any], campaign_id: CampaignId) -> CallaroCampaign:
    name = told.get("name")
    return CallaroCampaign(id=campaign_id, name=name if isinstance(name, str) else "", state=read_state(told), raw=told)


def _fit(response: Response, given: CampaignId) -> CampaignId:
    """An id that Callaro made up, without what it repeats of what was sent."""
    label = response.label(str(given))
    return given if label == str(given) else label


def _in_fit_words(response: Response, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """A campaign whose word for its state, where nobody knows it, repeats nothing that was sent."""
    if read_state(told) is not CampaignState.OTHER:
        return told
    words = {name: told[name] for name in _STATE_FIELDS if isinstance(told.get(name), str)}
    scrub = response.scrub()
    return {**told, **{name: scrub.shown(word) for name, word in words.items()}}


def _campaign_in(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The campaign inside the envelope, or inside the one object that stands there: ``{"campaign": {…}}``."""
    told = answer.get("data", answer)
    if not isinstance(told, dict):
        return {}
    inner = [value for value in told.values() if isinstance(value, dict)]
    if campaign_id_in(told) is None and not _tells_a_state(told) and len(inner) == 1:
        return inner[0]
    return told


def _tells_a_state(told: Mapping[str, Any]) -> bool:
    said = (told.get(name) for name in _STATE_FIELDS)
    return any(isinstance(word, str) and word.strip().lower() not in _ENVELOPE_WORDS for word in said)


def _told(response: Response) -> dict[str, Any]:
    """The JSON object of a yes."""
    if not 200 <= response.status < 300:
        raise_callaro_refusal(response)
    return read_told(NAME, response)


def _yes(response: Response) -> dict[str, Any]:
    """The JSON object of a yes that does not call itself an error."""
    answer = _told(response)
    if "error_code" in answer or answer.get("success") is False:
        raise _unknown("and called it an error", response, reason=Reason.SERVER_ERROR)
    return answer


def _says_nothing(response: Response) -> bool:
    if not response.body.strip():
        return True
    value = response.json_value()
    if value is None:
        return response.body.strip() == b"null"
    return any(value is each or (value == each and type(value) is type(each)) for each in _SAYS_NOTHING)


def _objects(items: Sequence[Any], words: Words) -> list[dict[str, Any]]:
    return [dict(in_known_words(item, words)) for item in items if isinstance(item, dict)]


def _unknown(what: str, response: Response, *, reason: Reason) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{NAME} answered {response.status} {what}",
        vendor=NAME,
        status=response.status,
        request_id=response.request_id,
        reason=reason,
    )
