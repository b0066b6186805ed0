"""MrAssistant's tokens: given for a login, renewed once by a refresh token, and expired on a test's demand."""

from __future__ import annotations

import hmac
import threading
from dataclasses import dataclass, field
from secrets import token_urlsafe

LOGIN = "sandbox"
LIFETIME = 86_400  # seconds; the page on users says 24 hours. Only a test lets a token expire


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """An access token, and the refresh token that came with it."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


class Tokens:
    """The tokens that are good. May be used from any thread. ``api_key``: the password of the one user; it is a token
    that never expires, too."""

    def __init__(self, *, api_key: str) -> None:
        self._api_key = api_key
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Forget every token, and how many there were."""
        with self._lock:
            self._access: set[str] = set()
            self._refresh: set[str] = set()
            self._issued: list[str] = []
            self.logins = 0
            self.refreshes = 0

    @property
    def given(self) -> list[str]:
        """Every token that was given, access and refresh tokens, in order."""
        with self._lock:
            return list(self._issued)

    def log_in(self, *, username: str, password: str) -> TokenPair | None:
        """Give tokens for the right password; None for any other."""
        if username != LOGIN or not self._is_key(password):
            return None
        with self._lock:
            self.logins += 1
            return self._give()

    def refresh(self, spent: str) -> TokenPair | None:
        """Give new tokens for a refresh token, which is spent then; None if it is not good."""
        with self._lock:
            if spent not in self._refresh:
                return None
            self._refresh.discard(spent)
            self.refreshes += 1
            return self._give()

    def is_good(self, token: str) -> bool:
        """Whether a request with this bearer token is let in."""
        with self._lock:
            return token in self._access or self._is_key(token)

    def expire(self) -> None:
        """Let every access token expire now."""
        with self._lock:
            self._access.clear()

    def expire_refresh_tokens(self) -> None:
        """Let every refresh token expire now."""
        with self._lock:
            self._refresh.clear()

    def _give(self) -> TokenPair:
        pair = TokenPair(access=token_urlsafe(24), refresh=token_urlsafe(24))
        self._access.add(pair.access)
        self._refresh.add(pair.refresh)
        self._issued += [pair.access, pair.refresh]
        return pair

    def _is_key(self, secret: str) -> bool:
        return hmac.compare_digest(secret.encode("utf-8", "surrogatepass"), self._api_key.encode())
