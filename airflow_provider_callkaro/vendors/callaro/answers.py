"""How Callaro's answers are read.

No answer of the campaign routes is documented. They are read with the common envelope (``{"data": …, "meta": …}``) and
without it. A campaign's id is a number or a text. Unknown fields are kept as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.vendors.answers import read_answer, unclear, whole_in
from airflow_provider_callkaro.vendors.callaro.refusals import NAME, raise_callaro_refusal
from airflow_provider_callkaro.vendors.callaro.states import CampaignState, in_known_words, read_state, state_word
from airflow_provider_callkaro.vendors.http import Response

MORE = ("next_cursor", "next", "next_page", "has_more", "has_next")  # the vendor pages its calls by a cursor
_BESIDE = ("meta", "pagination")
_PAGES = ("pages", "total_pages", "last_page")
_TOTAL = ("total", "total_count")
_NEXT = ("next_page", "next")
_FLAGS = ("has_more", "has_next")
MAX_ID_LENGTH = 200  # characters; ours
_ID_FIELDS = ("id", "campaign_id", "bulk_call_campaign_id")
_STATE_FIELDS = ("status", "state")
_ENVELOPE_WORDS = frozenset({"success", "ok", "done", "error", "fail"})  # a ``status`` of the answer itself
_EMPTY_ANSWERS: tuple[object, ...] = ({}, [], None, True)  # of a 2xx; in JSON
_OTHER_LISTS = frozenset({"errors", "warnings", "links"})  # may be beside the list that was asked for
CampaignId: TypeAlias = int | str
"""A campaign's id: a number in the guide, a text elsewhere in the vendor's pages."""
StateWords: TypeAlias = Mapping[str, CampaignState]
"""Which state each of an account's own words means."""
_OUR_WORDS: StateWords = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """What one page says about the others, which is not documented. A cursor only means "there is more".

    :param pages: how many pages there are; None where it does not say.
    :param next_page: the number of the page that follows; None where it does not say.
    :param is_last: whether it says that no page follows; None where it says nothing about that.
    :param is_unclear: whether it says that there is more without naming a page.
    :param total: how many items the whole list has; None where it does not say.
    """

    pages: int | None = None
    next_page: int | None = None
    is_last: bool | None = None
    is_unclear: bool = False
    total: int | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it says that there are more pages, other than by their number."""
        return self.is_last is False


def paging_of(answer: Mapping[str, object]) -> Paging:
    """Read what an answer says about the other pages of its list."""
    places = _places(answer)
    marks = {name: place[name] for place in reversed(places) for name in MORE if name in place}
    pages, total = _count(places, _PAGES, least=1), _count(places, _TOTAL, least=0)
    next_page = next((number for name in _NEXT if (number := _page_number(marks.get(name))) is not None), None)
    goes_on = next_page is not None or any(marks.values())
    unclear = goes_on and next_page is None and not any(marks.get(name) is True for name in _FLAGS)
    is_last = (not goes_on) if marks else None
    return Paging(pages=pages, next_page=next_page, is_last=is_last, is_unclear=unclear, total=total)


def _places(answer: Mapping[str, object]) -> list[Mapping[str, Any]]:
    data = answer.get("data")
    around = [answer, data if isinstance(data, dict) else {}]
    return around + [inner for place in around for name in _BESIDE if isinstance(inner := place.get(name), dict)]


def _count(places: list[Mapping[str, object]], names: tuple[str, ...], *, least: int) -> int | None:
    for place in places[2:]:  # beside the list only: elsewhere such a name is a figure of something else
        for name in names:
            value = whole_in(place.get(name))
            if value is not None and value >= least:
                return value
    return None


def _page_number(value: object) -> int | None:
    """The number of a page, also from a text or from the query of a link."""
    if (number := whole_in(value)) is not None:
        return number if number > 0 else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if "?" in text:
        try:
            text = parse_qs(urlsplit(text).query).get("page", [""])[0]
        except ValueError:
            return None
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallaroCampaign:
    """One campaign, as Callaro describes it. ``id``: as the vendor gave it, a number or a text. ``raw``: every field
    that the vendor gave."""

    id: CampaignId
    name: str
    state: CampaignState
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def status(self) -> str:
        """Its state in one word: ours, or the vendor's own where the state is `other`."""
        return state_word(self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list. ``paging``: what it says about the other pages."""

    items: Sequence[dict[str, Any]] = field(repr=False)
    paging: Paging = field(default_factory=Paging)


def read_campaign(
    response: Response, *, asked: CampaignId | None = None, words: StateWords = _OUR_WORDS
) -> CallaroCampaign:
    """The campaign in an answer. ``asked``: its id, where the request named one. Raises OutcomeUnknown if the answer
    has no campaign, no id for it, or another campaign."""
    campaign = _with_redacted_state(response, in_known_words(_campaign_in(_read_object(response)), words))
    found = campaign_id_in(campaign)
    if found is None and _has_a_state(campaign):
        found = asked
    if found is None:
        raise unclear(NAME, response, "without a campaign that has an id", reason=Reason.NO_CALL_ID)
    if asked is not None and str(found) != str(asked):
        raise unclear(NAME, response, "with another campaign than the one asked for")
    return _as_campaign(campaign, _redacted_id(response, found) if asked is None else found)


def read_change(response: Response, *, asked: CampaignId, words: StateWords = _OUR_WORDS) -> CallaroCampaign | None:
    """The campaign after a change that Callaro accepted; None where the answer does not show its state.

    This reads the answers to launch, resume, pause, cancel and update. A 409 is `Rejected` here: the campaign's state
    forbids the change, and no phone rings.

    :param asked: the campaign's id. An answer about anything else, such as a job, is not read.
    :raises OutcomeUnknown: the answer calls itself an error, or cannot be read: it may be a gateway's.
    """
    if 200 <= response.status < 300 and _is_empty(response):
        return None
    campaign = _with_redacted_state(response, in_known_words(_campaign_in(_read_yes(response)), words))
    found = campaign_id_in(campaign)
    if read_state(campaign) is CampaignState.OTHER or (found is not None and str(found) != str(asked)):
        return None
    return _as_campaign(campaign, asked if found is None else found)


def read_object(response: Response) -> dict[str, Any]:
    """An answer without its envelope; a bare list is put under ``data``. Raises OutcomeUnknown if it cannot be read, or
    calls itself an error."""
    whole = response.json_value()
    if 200 <= response.status < 300 and isinstance(whole, list) and whole:
        return {"data": whole}
    answer = _read_yes(response)
    data = answer.get("data")
    fields = data if isinstance(data, dict) else answer
    ids = {name: value for name, value in fields.items() if name.endswith("id") and isinstance(value, (int, str))}
    return {**fields, **{name: _redacted_id(response, value) for name, value in ids.items()}}


def read_page(response: Response, *, words: StateWords = _OUR_WORDS) -> Page:
    """One page of a list: ``data`` is the list, or an object with one list in it. ``words``: which state each of the
    account's own words means. Raises OutcomeUnknown if there is no list in the answer."""
    whole = response.json_value()
    if 200 <= response.status < 300 and isinstance(whole, list):
        return Page(items=_objects(whole, words))
    answer = _read_object(response)
    data = answer.get("data", answer)
    paging = paging_of(answer)
    if isinstance(data, list):
        return Page(items=_objects(data, words), paging=paging)
    fields = data.items() if isinstance(data, dict) else ()
    lists = [value for name, value in fields if isinstance(value, list) and name not in _OTHER_LISTS]
    if data is None or (data and len(lists) != 1):
        raise unclear(NAME, response, "without the list that was asked for")
    return Page(items=_objects(lists[0], words) if lists else [], paging=paging)


def campaign_in_list(item: Mapping[str, object]) -> CallaroCampaign | None:
    """A campaign as a list shows it; None where it has no id."""
    found = campaign_id_in(item)
    return None if found is None else _as_campaign(item, found)


def campaign_id_in(campaign: Mapping[str, object]) -> CampaignId | None:
    """A campaign's id as the vendor gave it; None where it has none that fits a path."""
    for name in _ID_FIELDS:
        value = campaign.get(name)
        if (number := whole_in(value)) is not None:
            return number
        if isinstance(value, str) and 0 < len(value.strip()) <= MAX_ID_LENGTH and value.isprintable():
            return value
    return None


def _as_campaign(fields: Mapping[str, object], campaign_id: CampaignId) -> CallaroCampaign:
    name = fields.get("name")
    name = name if isinstance(name, str) else ""
    return CallaroCampaign(id=campaign_id, name=name, state=read_state(fields), raw=fields)


def _redacted_id(response: Response, vendor_id: CampaignId) -> CampaignId:
    """An id that Callaro gave, with what it repeats of the request hidden."""
    label = response.label(str(vendor_id))
    return vendor_id if label == str(vendor_id) else label


def _with_redacted_state(response: Response, campaign: Mapping[str, Any]) -> Mapping[str, Any]:
    """A campaign with an unknown word for its state redacted."""
    if read_state(campaign) is not CampaignState.OTHER:
        return campaign
    words = {name: campaign[name] for name in _STATE_FIELDS if isinstance(campaign.get(name), str)}
    scrub = response.scrub()
    return {**campaign, **{name: scrub.shown(word) for name, word in words.items()}}


def _campaign_in(answer: Mapping[str, object]) -> Mapping[str, Any]:
    """The campaign inside the envelope, or inside the only object in it: ``{"campaign": {…}}``."""
    data = answer.get("data", answer)
    if not isinstance(data, dict):
        return {}
    inner = [value for value in data.values() if isinstance(value, dict)]
    if campaign_id_in(data) is None and not _has_a_state(data) and len(inner) == 1:
        return inner[0]
    return data


def _has_a_state(fields: Mapping[str, object]) -> bool:
    words = (fields.get(name) for name in _STATE_FIELDS)
    return any(isinstance(word, str) and word.strip().lower() not in _ENVELOPE_WORDS for word in words)


def _read_object(response: Response) -> dict[str, Any]:
    """The JSON object of a 2xx."""
    if not 200 <= response.status < 300:
        raise_callaro_refusal(response)
    return read_answer(NAME, response)


def _read_yes(response: Response) -> dict[str, Any]:
    """The JSON object of a 2xx that does not call itself an error."""
    answer = _read_object(response)
    if "error_code" in answer or answer.get("success") is False:
        raise unclear(NAME, response, "and called it an error", reason=Reason.SERVER_ERROR)
    return answer


def _is_empty(response: Response) -> bool:
    if not response.body.strip():
        return True
    value = response.json_value()
    if value is None:
        return response.body.strip() == b"null"
    return any(value is each or (value == each and type(value) is type(each)) for each in _EMPTY_ANSWERS)


def _objects(items: Sequence[object], words: StateWords) -> list[dict[str, Any]]:
    return [dict(in_known_words(item, words)) for item in items if isinstance(item, dict)]
