"""The files that a connection names for its TLS: looked at when it is read, before anything is sent to anybody."""

from __future__ import annotations

import asyncio

import certifi
import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.transport.tls import Trust

HOOKS = (CallKaroHook, CallaroHook, MrAssistantHook)
AUTHORITIES = certifi.where()


@pytest.fixture(params=HOOKS, ids=lambda hook: hook.conn_type)
def given(request, connect):
    """A hook whose connection has an extra."""

    def define(**extra):
        hook = request.param
        connect(conn_id="given", conn_type=hook.conn_type, host="https://127.0.0.1:1", password="key", extra=extra)
        return hook("given")

    return define


def test_the_files_are_part_of_the_target(given):
    hook = given(ca_bundle=f" {AUTHORITIES} ")
    assert hook.connection.target.trust == Trust(ca_bundle=AUTHORITIES)
    assert asyncio.run(given(ca_bundle=AUTHORITIES).async_connection()).target.trust == Trust(ca_bundle=AUTHORITIES)


def test_the_form_leaves_empty_texts_and_the_machine_decides(given):
    assert given(ca_bundle="", client_certificate=None, client_key="").connection.target.trust == Trust()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"ca_bundle": "/nowhere/ca.pem"}, ['"ca_bundle": /nowhere/ca.pem cannot be read (FileNotFoundError)']),
        ({"ca_bundle": "/"}, ['"ca_bundle": / cannot be read (IsADirectoryError)']),
        ({"ca_bundle": __file__}, ['"ca_bundle"', "holds no certificate in PEM"]),
        ({"ca_bundle": "ca.pem"}, ['"ca_bundle"', "must be the absolute path of a file on the worker"]),
        ({"ca_bundle": ["/ca.pem"]}, ['"ca_bundle"', "must be the absolute path of a file on the worker"]),
        ({"ca_bundle": "/ca\x00.pem"}, ['"ca_bundle"', "must be the absolute path of a file on the worker"]),
        ({"client_certificate": "/nowhere/me.pem"}, ['"client_certificate": /nowhere/me.pem cannot be read']),
        ({"client_certificate": AUTHORITIES}, ['"client_certificate"', "the same file hold no certificate", "its key"]),
        ({"client_certificate": AUTHORITIES, "client_key": "/nowhere/key.pem"}, ['"client_key": /nowhere/key.pem']),
        ({"client_key": AUTHORITIES}, ['"client_key"', 'goes with a "client_certificate"', "set both"]),
    ],
)
def test_a_file_that_cannot_serve_is_named_with_its_field(given, extra, words):
    with pytest.raises(ConfigurationError) as error:
        _ = given(**extra).connection
    for word in ('extra of connection "given"', *words):
        assert word in str(error.value)


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(given, tmp_path):
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    from cryptography.hazmat.primitives import serialization

    path = tmp_path / "key.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )
    with pytest.raises(ConfigurationError, match="without a passphrase"):
        _ = given(client_certificate=AUTHORITIES, client_key=str(path)).connection
