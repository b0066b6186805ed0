"""What a vendor may repeat of a request, and what of it is kept: nothing, in whatever spelling it comes back."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.exceptions import OutcomeUnknown, Rejected, VendorError
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.redaction import Redaction

KEY = "ck_live_9f8a7b6c5d4e3f2a1b0c"
NUMBER = "+919876543210"
NAME = "Asha Raghavan"


def scrub(metadata=None, *, key=KEY, number=NUMBER, keeps_messages=True):
    call = Call(to_number=number, agent_id="agent-7", metadata=metadata or {})
    redaction = Redaction(CallKaro.headers(key), keeps_messages=keeps_messages)
    return redaction.scrub(CallKaro().place_call(call))


def spaced(text):
    return " ".join(text)


def broken(text):
    return f"{text[: len(text) // 2]}-\n{text[len(text) // 2 :]}"


def in_json(text):
    return json.dumps(json.dumps(text))


def as_units(text):
    return "".join(f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-be")).cast("B").tolist()[1::2])


def in_base64(text):
    return base64.b64encode(text.encode()).decode()


def in_a_longer_base64(text):
    return base64.urlsafe_b64encode(f"user:{text}:x".encode()).decode()


def in_hexadecimal(text):
    return text.encode().hex()


SPELLINGS = [
    str,
    str.upper,
    str.lower,
    str.title,
    quote,
    quote_plus,
    lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    lambda text: quote(quote(text)),
    html.escape,
    lambda text: "".join(f"&#{ord(character)};" for character in text),
    in_json,
    broken,
    spaced,
    in_base64,
    in_a_longer_base64,
    in_hexadecimal,
]

# Words whose pieces are in no sentence of a vendor's, so that what is left of them can be told from what it says.
SYLLABLES = st.sampled_from(["qua", "zeb", "xol", "vij", "kyr", "wug", "fyx", "juk", "çaz", "øpt", "жук", "प्रिय"])
WORDS = st.lists(SYLLABLES, min_size=2, max_size=4).map("".join)
VALUES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
PROSE = st.sampled_from(
    ["", "The value ", "metadata.name = ", "is not allowed: ", "Traceback: {'name': '", "(", "404 ", "…", "a no "]
)


def pieces_left(shown, planted, *, size):
    """The pieces of what was planted that can be read in what is shown, whatever stands between its letters."""
    plain = re.sub(r"[\W_]", "", shown).casefold()
    secret = re.sub(r"[\W_]", "", planted).casefold()
    return [secret[at : at + size] for at in range(len(secret) - size + 1) if secret[at : at + size] in plain]


@given(value=VALUES, before=PROSE, after=PROSE, spelling=st.sampled_from(SPELLINGS))
@example(value=NAME, before="", after="", spelling=in_base64)
def test_no_value_of_a_call_is_kept_however_it_is_spelt(value, before, after, spelling):
    assume(spelling not in (spaced, broken) or value.isascii())
    said = f"{before}{spelling(value)}{after}"
    shown = scrub({"name": value}).shown(said)
    assert spelling(value) not in shown
    assert pieces_left(shown, value, size=6) == []


KEYS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=12, max_size=64)


@given(key=KEYS, before=PROSE, after=PROSE, spelling=st.sampled_from(SPELLINGS), data=st.data())
def test_no_piece_of_a_key_is_kept_however_it_is_spelt(key, before, after, spelling, data):
    plain = re.sub(r"[^a-zA-Z0-9]", "", key)
    assume(len(plain) >= 12)
    start = data.draw(st.integers(0, len(key) // 3))
    part = key[start : start + data.draw(st.integers(len(key) // 2, len(key)))]
    assume(spelling not in (in_base64, in_a_longer_base64, in_hexadecimal) or part == key)
    shown = scrub(key=key).shown(f"{before}{spelling(part)}{after}")
    size = max(4, min(8, len(plain) // 4))
    ours = re.sub(r"[\W_]", "", f"{before}{after}").casefold()
    assert [piece for piece in pieces_left(shown, plain, size=size) if piece not in ours] == []


BETWEEN = st.sampled_from(["", " ", "-", "_", ", ", ":", "|", "+", "%20", "\u200b", " - ", "/", "\u00b7"])


@given(number=st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True), before=PROSE, after=PROSE, data=st.data())
def test_no_number_is_kept_however_it_is_spelt(number, before, after, data):
    digits = number[1:]
    said = "".join(digit + data.draw(BETWEEN) for digit in digits)
    if data.draw(st.booleans()):
        said = said.translate({ord("0") + value: 0xFF10 + value for value in range(10)})
    shown = scrub(number=number).shown(f"{before}{said}{after}")
    assert not re.search(r"\d{5}", "".join(re.findall(r"[^•…]+", shown.replace("%20", ""))).replace(" ", ""))


@given(number=st.from_regex(r"\+[1-9][0-9]{9,14}", fullmatch=True), cut=st.integers(3, 6))
def test_two_halves_of_a_number_are_no_more_than_its_whole(number, cut):
    shown = scrub(number=number).shown(f"prefix {number[1:-cut]} and extension {number[-cut:]}")
    assert len(re.sub(r"\D", "", shown)) <= 8
    assert number[1:-cut] not in shown or len(number[1:-cut]) < 5


@pytest.mark.parametrize(
    ("metadata", "said", "shown"),
    [
        ({"grade": "a"}, "a number is a thing that the agent has", "a number is a thing that the agent has"),
        ({"grade": "a"}, "grade 'a' is unknown", "grade '•••' is unknown"),
        ({"grade": "A"}, "grade=a is unknown", "grade=••• is unknown"),
        (
            {"age": 42},
            "metadata.age: 42, which is no text; try 42 times",
            "metadata.age: •••, which is no text; try 42 times",
        ),
        ({"is_new": True, "gone": None}, "true or none", "true or none"),
        ({"city": "Ter"}, "ter Ter terrible", "••• ••• terrible"),
        ({"name": "Jo Li"}, "Jo Li is no name; a jolly one", "••• is no name; a jolly one"),
        ({"name": "李明"}, "客户李明不存在", "客户•••不存在"),
        ({"due": 48213}, "48213 rupees, or 48.213", "••• rupees, or •••"),
        ({"mood": "💉💊"}, "mood 💉💊 is none", "mood ••• is none"),
        ({"dash": "-"}, "agent-7 is - or is not - there", "agent-7 is - or is not - there"),
        ({"name": "José"}, "JOSE, Jose\u0301", "•••, •••"),
        ({"note": NAME}, "Mr Raghavan and raghavans", "Mr ••• and •••s"),
        ({"a": [{"b": {"c": NAME}}]}, f"c: {NAME}", "c: •••"),
        ({}, "agent-7 does not exist", "agent-7 does not exist"),
        ({"name": NAME}, "metadata.name has too few words", "metadata.name has too few words"),
    ],
)
def test_what_is_left_is_still_a_sentence(metadata, said, shown):
    assert scrub(metadata).shown(said) == shown


def test_a_connection_that_keeps_reason_codes_alone_keeps_no_word():
    silent = scrub(keeps_messages=False)
    assert silent.message("The agent is archived") == ""
    body = b'{"message": "The agent is archived", "request_id": "r-1"}'
    response = Response(404, body, {}, None, Redaction(keeps_messages=False))
    with pytest.raises(Rejected) as error:
        CallKaro().read_placed_call(response)
    assert str(error.value) == "CallKaro rejected the request (404)"
    assert error.value.reason == "agent_not_found"


def answered(body, *, call=None, status=200, headers=(), key=KEY):
    request = CallKaro().place_call(
        call or Call(to_number=NUMBER, agent_id="agent-7", metadata={"name": NAME, "due": 48213, "ssn": "917-63-8254"})
    )
    return Response(status, json.dumps(body).encode(), dict(headers), request, Redaction(CallKaro.headers(key)))


@pytest.mark.parametrize(
    ("given_id", "kept"),
    [
        ("call-919876543210-1763731200", "call-•••-1763731200"),
        ("CA9876543210", "CA•••"),
        ("98765-43210", "•••"),
        ("917638254", "•••"),
        ("917-63-8254", "•••"),
        ("9876.543.210@sip", "•••@sip"),
        ("call-asha-raghavan-1", "call-•••-1"),
        (base64.b64encode(b"to=9876543210").decode(), "•••=="),
        ("３９８７６５４３２１０", "３•••"),
        (f"x{KEY}", "x•••"),
        (KEY.upper(), "•••"),
        ("8c2a9f3e-3c1e-4a57-9a3e-111148213111", "8c2a9f3e-3c1e-4a57-9a3e-111148213111"),
        ("68433b7b0dee98e59245ebab", "68433b7b0dee98e59245ebab"),
        ("CA2026112143210", "CA2026112143210"),
        (7, "7"),
    ],
)
def test_an_id_that_holds_the_number_is_kept_without_it(given_id, kept):
    assert CallKaro().read_placed_call(answered({"call_sid": given_id})).call_id == kept


def test_a_request_id_that_repeats_the_call_is_none():
    for request_id, kept in ((f"r-{NUMBER}", None), (f"r-{KEY}", None), (f"asha-{NAME}", None), ("r-17", "r-17")):
        with pytest.raises(OutcomeUnknown) as error:
            CallKaro().read_placed_call(answered({}, status=500, headers={"x-request-id": request_id}))
        assert error.value.request_id == kept


SECRETS = {"key": KEY, "number": NUMBER[1:], "name": NAME, "first": "Asha", "last": "Raghavan"}
ECHOES = st.sampled_from(sorted(SECRETS)).flatmap(
    lambda which: st.sampled_from(SPELLINGS).map(lambda spelling: spelling(SECRETS[which]))
)
LEAVES = st.one_of(ECHOES, st.builds("{}{} {}".format, PROSE, ECHOES, PROSE), st.integers(0, 9), st.none())
FIELDS = st.sampled_from(
    [
        "message",
        "error",
        "error_code",
        "detail",
        "errors",
        "request_id",
        "call_id",
        "id",
        "data",
        "loc",
        "msg",
        "type",
        "status",
    ]
)
BODIES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | ECHOES, inner), max_leaves=6
)


@given(
    body=BODIES | st.dictionaries(FIELDS, BODIES, min_size=1),
    status=st.sampled_from([200, 201, 302, 400, 401, 404, 409, 422, 429, 500, 503]),
    headers=st.dictionaries(st.sampled_from(["x-request-id", "retry-after"]), ECHOES),
)
def test_whatever_comes_back_nothing_that_was_sent_is_kept_of_it(body, status, headers):
    try:
        kept = CallKaro().read_placed_call(answered(body, status=status, headers=headers))
    except VendorError as error:
        said = f"{error!s} {error!r} {error.request_id}"
    else:
        said = f"{kept.call_id} {kept!r}"
    for secret in SECRETS.values():
        assert secret.casefold() not in said.casefold()
        assert pieces_left(said, secret, size=8) == []
        assert in_base64(secret) not in said


def test_what_was_sent_is_read_once_a_text_is_to_be_kept_and_not_before(monkeypatch):
    read = []
    scrubbed = Redaction.scrub
    monkeypatch.setattr(Redaction, "scrub", lambda *given: read.append(given) or scrubbed(*given))
    for number in range(100):
        CallKaro().read_placed_call(answered({"status": "success", "call_sid": f"c{number}b7b0dee98e5"}))
    assert read == []


def test_a_text_without_end_takes_no_longer_than_it_is_shown():
    call = Call(to_number=NUMBER, metadata={f"field {index}": f"value {index} of many" for index in range(300)})
    for said in (
        "%41" * 300_000,
        "\\u0041" * 150_000,
        "QUJD" * 200_000,
        "= " * 400_000,
        "9 " * 400_000,
        "&#65;" * 150_000,
    ):
        with pytest.raises(Rejected) as error:
            CallKaro().read_placed_call(answered({"message": said}, call=call, status=400))
        assert len(str(error.value)) < 300


def test_a_file_that_was_sent_is_not_repeated_in_the_names_of_fields():
    from airflow_provider_callkaro.vendors.callaro.api import Callaro

    vendor = Callaro()
    request = vendor.import_contacts(
        f"phone,name\n{NUMBER},{NAME}\n".encode(),
        filename="people.csv",
        column_mapping={"phone": "phone_e164"},
        options=None,
    )
    body = {"error": NAME, "error_code": "INVALID", "errors": {"phone": ["no"], "Asha": ["no"], "raghavan": ["no"]}}
    with pytest.raises(Rejected) as error:
        vendor.read_object(Response(422, json.dumps(body).encode(), {}, request))
    assert "phone: is refused" in str(error.value)
    assert "asha" not in str(error.value).casefold()
    assert "raghavan" not in str(error.value).casefold()


def test_a_request_without_a_body_hides_the_key_alone():
    response = Response(
        400, json.dumps({"message": f"key {KEY} of 3 rows"}).encode(), {}, Request("GET", "/x"), Redaction({"X": KEY})
    )
    with pytest.raises(Rejected, match=r"key ••• of 3 rows"):
        CallKaro().read_deleted_call(response)


@pytest.mark.parametrize("id_", ["call_8d7f00", "outbound-call:8d7f00", "CALL-8d7f00"])
def test_the_words_of_ids_are_nobodys(id_):
    """An id of which a part is hidden finds, polls and ends no call."""
    assert scrub({"why": "call back", "kind": "Outbound"}).label(id_) == id_
    assert scrub({"who": "Asha"}).label(f"{id_}-asha") == f"{id_}-•••"


SECRET = "Qz8x/Rt5mWv1Kp9LsYd3"


@pytest.mark.parametrize(
    "said",
    [
        SECRET.replace("/", "\\/"),
        "".join(f"\\u{ord(character):04x}" for character in SECRET),
        SECRET.lower().replace("/", "-"),
        SECRET[: len(SECRET) // 2],
        SECRET[3:13],
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_no_id_holds_the_key_however_the_answer_is_written(said, encoding):
    request = CallKaro().place_call(Call(to_number=NUMBER, agent_id="agent-7"))
    body = f'{{"status": "success", "call_id": "id-{said}-8d7f"}}'.encode(encoding)
    answer = Response(status=200, body=body, request=request, redaction=Redaction(CallKaro.headers(SECRET)))
    assert CallKaro().read_placed_call(answer).call_id == "id-•••-8d7f"


def test_no_word_of_an_answer_holds_the_key_however_it_is_written():
    body = b'{"state": "%s"}' % SECRET.replace("/", "\\/").encode()
    answer = Response(status=200, body=body, redaction=Redaction(CallKaro.headers(SECRET)))
    assert answer.json_object() == {"state": "•••"}


def refused(payload, **which):
    """What a vendor's error shows of a body that the vendor repeats, value by value."""
    request = Request.json("POST", "/v1/rings", payload, retry_safe=False, **which)
    said = {"message": "; ".join(f"{name}={value}" for name, value in payload.items())}
    with pytest.raises(Rejected) as error:
        CallKaro().read_deleted_call(Response(400, json.dumps(said).encode(), {}, request))
    return str(error.value).partition("): ")[2]


def test_no_field_is_shown_unless_the_vendor_says_so():
    sent = {"name": NAME, "agent_id": "calm-tenor", "voice": "brisk-baritone"}
    assert refused(sent) == "name=•••; agent_id=•••; voice=•••"
    assert refused(sent, shown_fields=frozenset({"voice"})) == "name=•••; agent_id=•••; voice=brisk-baritone"


def test_no_piece_of_a_field_is_shown_that_the_vendor_calls_secret():
    pin = "qzaxrtcmwvhkpdls"
    request = Request.json("POST", "/v1/keys", {"pin": pin}, secret_fields=frozenset({"pin"}))
    plain = Request.json("POST", "/v1/keys", {"pin": pin})
    for sent, shown in ((request, "it begins with ••• and more"), (plain, f"it begins with {pin[:9]} and more")):
        answer = Response(400, b"{}", {}, sent)
        assert answer.scrub().shown(f"it begins with {pin[:9]} and more") == shown
