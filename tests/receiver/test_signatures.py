"""Which signatures are taken as a vendor's own."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.receiver.signatures import is_signed

SECRET, FORMER = "the-signing-secret", "the-one-before-it"
BODY = b'{"event":"call.completed"}'


def digest(secret=SECRET, signed=BODY):
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


HEX = digest().hex()


@pytest.mark.parametrize(
    "header",
    [
        HEX,
        HEX.upper(),
        f"v1={HEX}",
        f"sha256={HEX}",
        base64.b64encode(digest()).decode(),
        "v1=" + base64.b64encode(digest()).decode(),
        f"t=1763800000,v1={digest(signed=b'1763800000.' + BODY).hex()}",
        f"v1={digest('an-unknown-secret').hex()}, v1={HEX}",
        digest(FORMER).hex(),
    ],
    ids=["hex", "capitals", "v1", "sha256", "base64", "v1 base64", "instant", "two digests", "former secret"],
)
def test_a_signature_of_one_of_the_secrets_is_right(header):
    assert is_signed(BODY, header=header, secrets=[SECRET, FORMER])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "v1=",
        "t=1",
        digest("another-secret").hex(),
        HEX[:-1],
        f"t=1763800000,v1={HEX}",  # made without the instant
        f"v1={HEX}" + "," * 2000,
        f"v1={HEX}\u0660",
        ",".join(["v1=0"] * 5 + [f"v1={HEX}"]),  # nobody tries digests without end
    ],
    ids=["none", "empty", "no digest", "instant alone", "another", "cut", "instant", "long", "not ASCII", "many"],
)
def test_every_other_is_wrong(header):
    assert not is_signed(BODY, header=header, secrets=[SECRET, FORMER])


def test_another_body_is_not_signed():
    assert not is_signed(BODY + b" ", header=HEX, secrets=[SECRET])


@given(st.text(max_size=300))
def test_no_header_makes_it_fail_or_say_yes(header):
    assert is_signed(BODY, header=header, secrets=[SECRET]) is False
