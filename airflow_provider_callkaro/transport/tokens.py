"""Tokens that grow old: got by logging in, renewed by refreshing, and by logging in again where that is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from airflow_provider_callkaro.exceptions import Rejected, Unauthorized
from airflow_provider_callkaro.vendors.answers import Tokens


class TokenCredentials:
    """Bearer tokens, kept fresh. May be used from several threads.

    :param log_in: gets tokens with login and password.
    :param refresh: gets tokens with a refresh token.
    """

    def __init__(self, *, log_in: Callable[[], Tokens], refresh: Callable[[str], Tokens]) -> None:
        self._log_in = log_in
        self._refresh = refresh
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None

    def headers(self) -> Mapping[str, str]:
        """The header with the token as it stands; the first time it logs in."""
        with self._lock:
            if self._tokens is None:
                self._tokens = self._log_in()
            return _bearer(self._tokens)

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Get a new token in place of the refused one, unless somebody else just has."""
        with self._lock:
            if self._tokens is None or dict(refused) == _bearer(self._tokens):
                self._tokens = self._renewed(self._tokens)
            return True

    def _renewed(self, tokens: Tokens | None) -> Tokens:
        if tokens is None or tokens.refresh is None:
            return self._log_in()
        try:
            return self._refresh(tokens.refresh)
        except (Unauthorized, Rejected):  # it has been used, or a month has gone by
            return self._log_in()


def _bearer(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.access}"}
