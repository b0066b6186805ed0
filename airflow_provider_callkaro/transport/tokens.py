"""Tokens that expire: a log-in gets them, a refresh renews them, and where that is refused another log-in does.

When getting a token fails, the request that needs it was not sent: so no failure of a log-in may look like a lost
answer, or like a refusal of the call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from airflow_provider_callkaro.exceptions import NotSent, OutcomeUnknown, Rejected, Unauthorized
from airflow_provider_callkaro.vendors.answers import Tokens


class TokenCredentials:
    """Bearer tokens, kept fresh. May be used from several threads. ``log_in``: gets tokens with login and password.
    ``refresh``: gets tokens with a refresh token."""

    def __init__(self, *, log_in: Callable[[], Tokens], refresh: Callable[[str], Tokens]) -> None:
        self._log_in = log_in
        self._refresh = refresh
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None

    def headers(self) -> Mapping[str, str]:
        """The header with the current token; the first call logs in."""
        with self._lock:
            if self._tokens is None:
                self._tokens = self._logged_in()
            return _bearer(self._tokens)

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Get a new token in place of the refused one, unless another thread just has."""
        with self._lock:
            if self._tokens is None or dict(refused) == _bearer(self._tokens):
                self._tokens = self._renewed(self._tokens)
            return True

    def _renewed(self, tokens: Tokens | None) -> Tokens:
        if tokens is None or tokens.refresh is None:
            return self._logged_in()
        try:
            return self._refresh(tokens.refresh)
        except (Unauthorized, Rejected, OutcomeUnknown):  # it was used before, perhaps just now, or has expired
            return self._logged_in()

    def _logged_in(self) -> Tokens:
        try:
            return self._log_in()
        except Rejected as error:
            raise Unauthorized(
                f"{error}: correct the login and the password of the connection",
                vendor=error.vendor,
                status=error.status,
                request_id=error.request_id,
            ) from None
        except OutcomeUnknown as error:
            raise NotSent(
                f"{error}; that was a log-in, so nothing else was sent",
                vendor=error.vendor,
                status=error.status,
                request_id=error.request_id,
            ) from None


class StaticToken:
    """A token that is the connection's password: it expires, and nothing here can renew it. Never changes.

    :param headers: those that carry it.
    :param vendor: the vendor's name.
    :param way_out: what to do when it is refused.
    """

    def __init__(self, headers: Mapping[str, str], *, vendor: str, way_out: str) -> None:
        self._headers = headers
        self._vendor = vendor
        self._way_out = way_out

    def headers(self) -> Mapping[str, str]:
        """The headers, always the same."""
        return self._headers

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - see `Credentials`
        """Always raises Unauthorized: there is no other token."""
        raise Unauthorized(f"{self._vendor} refused the token (401): {self._way_out}", vendor=self._vendor, status=401)


def _bearer(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.access}"}
