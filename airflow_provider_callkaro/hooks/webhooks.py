"""What a vendor's connection says of its webhooks: the field ``webhooks`` of the extra."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from difflib import get_close_matches
from typing import Any

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.connection import AirflowConnection, ConnectionFields
from airflow_provider_callkaro.vendors.profile import VendorProfile

FIELD = "webhooks"
KEPT = frozenset({"transcript", "recording", "payload", "suppressions"})
"""What is stored only where ``keep`` names it."""
_NAMES = ("keep", "ledger_conn_id", "secret", "signature_header", "signing_secret")
_SECRET = re.compile(r"[A-Za-z0-9._~-]{16,200}")  # as it is in a path and in a header, without escapes
_SIGNING_SECRET = re.compile(r"[!-~]{8,500}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_NEW_SECRET = "python -c 'import secrets; print(secrets.token_urlsafe())'"  # noqa: S105 - the way to make one


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """How the webhooks of one connection are taken.

    :param ledger_conn_id: the connection of the ledger that keeps their outcomes.
    :param secrets: any of them opens the receiver; more than one while they are changed; not shown.
    :param signing_secrets: with one of which the vendor signs a body; empty: signatures are not checked; not shown.
    :param signature_header: the header that carries the signature; None where none is checked.
    :param keep: what is stored beside the outcome: ``transcript``, ``recording``, ``payload``, ``suppressions`` (whom
        not to call again); default nothing.
    :param zone: of times without an offset, the connection's ``schedule_timezone``; None where it names none.
    """

    ledger_conn_id: str
    secrets: tuple[str, ...] = field(repr=False)
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    signature_header: str | None = None
    keep: frozenset[str] = frozenset()
    zone: tzinfo | None = None


def read_webhooks(conn: AirflowConnection, *, connection_id: str, profile: VendorProfile) -> WebhookSettings | None:
    """What a connection says of webhooks; None where it says nothing.

    A MrAssistant connection's ``webhook_secret``, with which it has campaigns signed, is the ``signing_secret`` that is
    meant where ``webhooks`` names none; ``"signing_secret": false`` checks no signature.

    :param profile: of the vendor whose connection it is.
    :raises ConfigurationError: a field is missing, misspelt or cannot work.
    """
    fields = ConnectionFields(conn, connection_id=connection_id)
    webhooks = fields.json(FIELD)
    if webhooks is None:
        return None
    place = f'"{FIELD}" in the extra of connection "{connection_id}"'
    given = _object(webhooks, place=place)
    secrets = _secrets(given.get("secret"), shape=_SECRET)
    if not secrets:
        raise ConfigurationError(
            f'{place} needs a "secret" of 16 to 200 letters, digits, ".", "_", "~" and "-", or a list of them; this '
            f"makes one: {_NEW_SECRET}"
        )
    ledger_conn_id = given.get("ledger_conn_id")
    if not isinstance(ledger_conn_id, str) or not ledger_conn_id.strip():
        raise ConfigurationError(
            f'{place} needs "ledger_conn_id": the connection that the fan-outs have as ledger_conn_id'
        )
    signing = given.get("signing_secret", fields.json("webhook_secret"))
    signing_secrets = _secrets(signing, shape=_SIGNING_SECRET)
    if signing not in (None, False, "", []) and not signing_secrets:
        raise ConfigurationError(
            f"the signing secret of {place} must be 8 to 500 ASCII characters without blanks, a list of such, or false"
        )
    header = given.get("signature_header", profile.signature_header)
    if signing_secrets and not (isinstance(header, str) and _HEADER.fullmatch(header)):
        raise ConfigurationError(
            f'{place} has a signing secret and no "signature_header", the header that carries the signature: name it, '
            'or set "signing_secret" to false'
        )
    return WebhookSettings(
        ledger_conn_id=ledger_conn_id.strip(),
        secrets=secrets,
        signing_secrets=signing_secrets,
        signature_header=header if signing_secrets else None,
        keep=_keep(given.get("keep"), place=place),
        zone=fields.zone("schedule_timezone"),
    )


def _object(value: object, *, place: str) -> Mapping[str, Any]:
    if isinstance(value, str):  # of a connection that is written as a URI
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{place} must be a JSON object")
    for name in sorted(set(map(str, value)) - set(_NAMES)):
        meant = get_close_matches(name, _NAMES, n=1, cutoff=0.5)
        way_out = f'write "{meant[0]}"' if meant else f"there are {', '.join(_NAMES)}"
        raise ConfigurationError(f'{place} has a field "{mask_text(name, limit=60)}", which is not known: {way_out}')
    return value


def _secrets(value: object, *, shape: re.Pattern[str]) -> tuple[str, ...]:
    """A secret or a list of them; nothing where one of them cannot be one."""
    given = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) and shape.fullmatch(each) for each in given):
        return ()
    return tuple(given)


def _keep(value: object, *, place: str) -> frozenset[str]:
    given = [] if value is None else value
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given) or not set(given) <= KEPT:
        raise ConfigurationError(f'"keep" of {place} must be a list of some of {", ".join(sorted(KEPT))}')
    return frozenset(given)
