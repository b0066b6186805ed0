"""Digests with a key tell apart for whoever has the secret, and tell nothing to anybody else."""

from __future__ import annotations

import hmac
import pickle
from base64 import urlsafe_b64decode

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.digests import LedgerKey, LedgerKeys, Purpose, key_of, read_keys

SECRET = "0123456789abcdef" * 4
KEY = LedgerKey(id="k1", secret=SECRET)
DIGITS = "919876543210"


def test_a_digest_is_hmac_sha256_under_a_key_derived_for_its_purpose() -> None:
    root = hmac.digest(b"airflow-provider-callkaro ledger 1", SECRET.encode(), "sha256")
    expected = hmac.digest(hmac.digest(root, b"number\x01", "sha256"), DIGITS.encode(), "sha256")[:16]
    name, _, digest = KEY.digest(Purpose.NUMBER, DIGITS).partition(":")
    assert (name, urlsafe_b64decode(digest + "==")) == ("k1", expected)


def test_what_is_digested_for_one_purpose_or_under_one_key_is_nothing_under_another() -> None:
    other = LedgerKey(id="k1", secret=SECRET + "0")
    digests = {key.digest(purpose, DIGITS) for key in (KEY, other) for purpose in Purpose}
    assert len(digests) == 2 * len(Purpose)
    assert KEY.place("0" * 32) != other.place("0" * 32)


def test_a_digest_names_its_key_fits_the_column_of_numbers_and_is_no_clear_value() -> None:
    longest = LedgerKey(id="abcdefgh", secret=SECRET).digest(Purpose.NUMBER, DIGITS)
    assert (key_of(longest), len(longest)) == ("abcdefgh", 31)
    for clear in (DIGITS, "+" + DIGITS, "k1", "k1:anna", "renewals/manual__2026-01-01T00:00:00+00:00/calls/-1", ""):
        assert key_of(clear) is None


def test_neither_a_repr_nor_a_pickle_of_a_key_tells_the_secret() -> None:
    keys = LedgerKeys((KEY,))
    assert (repr(KEY), repr(keys)) == ("LedgerKey(id='k1')", "LedgerKeys(keys=(LedgerKey(id='k1'),))")
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


@pytest.mark.parametrize("nothing", [None, "", []])
def test_without_a_secret_there_is_no_key(nothing: object) -> None:
    assert read_keys(nothing, where="here") is None


def test_one_secret_is_a_text_and_two_are_a_list_of_which_the_first_writes() -> None:
    assert read_keys(f" k1:{SECRET}\n", where="here") == LedgerKeys((KEY,))
    both = read_keys([f"k2:{SECRET[::-1]}", f"k1:{SECRET}"], where="here")
    assert both is not None
    assert [key.id for key in both.keys] == ["k2", "k1"]
    assert both.find("k1") == KEY
    assert both.find("k3") is None


@pytest.mark.parametrize(
    "given",
    [
        SECRET,
        "k1:short",
        f"K1:{SECRET}",
        f"2026:{SECRET}",
        f"averylongname:{SECRET}",
        f"k1:{SECRET} {SECRET}",
        {"k1": SECRET},
        7,
        [f"k1:{SECRET}", None],
    ],
)
def test_anything_else_is_refused_in_words_that_say_how_and_quote_nothing(given: object) -> None:
    with pytest.raises(
        ConfigurationError, match=r'"ledger_secret" in the extra of connection "call_ledger" must'
    ) as told:
        read_keys(given, where='connection "call_ledger"')
    assert "short" not in str(told.value)
    assert SECRET not in str(told.value)
    assert SECRET not in str([frame.frame.f_locals for frame in told.traceback[1:]])


def test_two_secrets_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="have one name"):
        read_keys([f"k1:{SECRET}", f"k1:{SECRET}x"], where="here")
