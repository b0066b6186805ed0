"""What is looked at before a connection is read: whose it is, and whether a field of its extra is misspelt."""

from __future__ import annotations

import logging
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from airflow_provider_callkaro.budgets.limits import LIMITS
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.budget import FIELD

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseHook

    from airflow_provider_callkaro.hooks.connection import AirflowConnection

_ALIKE = 0.75  # of two names: more is a slip of the pen
_SHORT = 4  # letters; a longer name that is a part of a field's name means that field
_BUDGET = re.compile("(calls?[_ -]?)?budgets?", re.IGNORECASE)  # what authors call it; the form says "Call budget"

log = logging.getLogger(__name__)


def check_type(conn: AirflowConnection, *, connection_id: str, hook: type[BaseHook]) -> None:
    """Refuse a connection of another type, before its password goes to a host that must not have it.

    Types that mean nothing in particular, such as ``http`` or none at all, are refused as well: they do not say whose
    password it is.

    :param conn: an Airflow connection.
    :param hook: the hook class that is to use it.
    :raises ConfigurationError: it is of another type.
    """
    if conn.conn_type != hook.conn_type:
        raise ConfigurationError(
            f'connection "{connection_id}" is of type "{conn.conn_type or ""}", and {hook.hook_name} takes only its '
            f'own type "{hook.conn_type}": name another connection, or set its type (of a URI it is the scheme); its '
            "password was sent to nobody"
        )


def check_extra(conn: AirflowConnection, *, connection_id: str, known: frozenset[str]) -> None:
    """Refuse a misspelt field of the extra, which would be left out in silence, and warn of any other that is unknown.

    :param known: the names of the fields that the vendor's connections have.
    :raises ConfigurationError: a name is nearly that of a known field.
    """
    extra = conn.extra_dejson
    for name in sorted(map(str, extra)) if isinstance(extra, dict) else ():
        if name in known:
            continue
        meant = next((field for field in sorted(known) if len(name) > _SHORT and name in field), None)
        meant = meant or next(iter(get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)), None)
        shown = mask_text(name, limit=60)
        _check_limit(name, connection_id=connection_id, conn_type=conn.conn_type, known=known)
        if meant is not None:
            raise ConfigurationError(
                f'the extra of connection "{connection_id}" has a field "{shown}", which is not known: write "{meant}"'
            )
        log.warning('The extra of connection "%s" has a field "%s", which nobody reads', connection_id, shown)


def _check_limit(name: str, *, connection_id: str, conn_type: str | None, known: frozenset[str]) -> None:
    """Refuse a limit of calls that stands where nobody reads it: its author relies on it."""
    is_budget = _BUDGET.fullmatch(name) is not None
    if not is_budget and name not in LIMITS:
        return
    extra = f'the extra of connection "{connection_id}"'
    shown = mask_text(name, limit=60)
    if FIELD not in known:
        raise ConfigurationError(
            f'{extra} has a field "{shown}", and nothing here keeps to it, because connections of type "{conn_type}" '
            "take no budget: set the limit with the vendor, and take the field out"
        )
    if is_budget:
        raise ConfigurationError(f'{extra} has a field "{shown}", which is not known: write "{FIELD}"')
    raise ConfigurationError(
        f'{extra} has "{shown}" outside of "{FIELD}", where nobody reads it: write {{"{FIELD}": {{"{shown}": …}}}}'
    )
