"""What is known of a vendor before a connection exists: its names, its domain, its documentation, its connection form.

Pure data. Airflow reads all of it each time one of its processes starts, so this module imports next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict


class ConnectionField(TypedDict):
    """One extra field of a connection form, as Airflow's ``conn-fields`` has it."""

    label: str
    description: str
    schema: dict[str, object]


class ConnectionForm(TypedDict, total=False):
    """How a connection form shows the fields that every connection has, as Airflow's ``ui-field-behaviour`` has it."""

    relabeling: dict[str, str]
    placeholders: dict[str, str]


def text_field(label: str, description: str, *, is_secret: bool = False) -> ConnectionField:
    """A field that takes a text. ``is_secret``: whether the form hides what is typed."""
    schema: dict[str, object] = {"type": ["string", "null"]}
    if is_secret:
        schema["format"] = "password"
    return {"label": label, "description": description, "schema": schema}


BUDGET = text_field(
    "Call budget",
    "Limits that all tasks of this connection share, as JSON. The tasks must name one SQL ledger (ledger_conn_id). "
    'Example: {"calls_per_second": 50, "max_concurrency": 40}.',
)
"""The field ``budget`` of a vendor whose calls this package starts."""
_SHARED_FIELDS: dict[str, ConnectionField] = {
    "ca_bundle": text_field(
        "CA bundle",
        "Absolute path, on the workers, of the authorities (PEM) that may vouch for the host, in place of the "
        "machine's own.",
    ),
    "client_certificate": text_field(
        "Client certificate",
        "Absolute path, on the workers, of a certificate (PEM) with its chain that the host is shown.",
    ),
    "client_key": text_field(
        "Client key",
        "Absolute path, on the workers, of its key (PEM, no passphrase); empty where the same file has it.",
    ),
    "vendor_messages": {
        "label": "Vendor messages",
        "description": "Whether the vendor's own words are kept in reports, ledgers and logs, without what was sent: "
        "true or false. With false there are reason codes alone. Default: true.",
        "schema": {"type": ["string", "boolean", "null"]},
    },
}


_UNLISTED = ("connect_timeout", "read_timeout", "ledger_secret", "webhooks")  # of every vendor's connections


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorProfile:
    """One vendor, as `known.VENDORS` lists it.

    :param name: the vendor's name; its hook is the class ``<name>Hook``.
    :param connection_type: the type of its connections, and the name of its folder in every room.
    :param domain: the vendor's own domain: no other vendor's key goes there.
    :param documentation: the address of its documentation.
    :param form: the names and placeholders of the connection's own fields.
    :param hidden_fields: which of them the form does not show.
    :param own_fields: the extra fields that only this vendor's connections have.
    :param unlisted_fields: the further extra fields of its connections, which the form does not show.
    :param operators: further modules in ``operators/``, beside its own, that are listed with it.
    :param sensors: the modules in ``sensors/`` that are about this vendor.
    :param triggers: the modules in ``triggers/`` that its operators and sensors defer to.
    :param decorators: its TaskFlow decorators, which ``decorators/`` has in the vendor's module: ``x`` is ``@task.x``,
        made by the function ``x_task``.
    :param signature_header: the header in which its webhooks carry a signature; None where it signs none.
    """

    name: str
    connection_type: str
    domain: str
    documentation: str
    form: ConnectionForm
    hidden_fields: tuple[str, ...] = ("schema", "login", "port")
    own_fields: dict[str, ConnectionField] = field(default_factory=dict)
    unlisted_fields: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    signature_header: str | None = None

    @property
    def fields(self) -> dict[str, ConnectionField]:
        """The extra fields of the connection form, by their names."""
        return self.own_fields | _SHARED_FIELDS

    @property
    def extra_names(self) -> frozenset[str]:
        """The names that the extra of a connection may have."""
        return frozenset(self.fields).union(self.unlisted_fields, _UNLISTED)

    @property
    def behaviour(self) -> dict[str, object]:
        """The connection form's ``ui-field-behaviour``."""
        return {"hidden-fields": list(self.hidden_fields), **self.form}
