"""TLS of a connection: version 1.2 or later, the authorities it trusts, and the client certificate it shows."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from functools import lru_cache

from airflow_provider_callkaro.exceptions import ConfigurationError

FILES = ("ca_bundle", "client_certificate", "client_key")  # by the names that they have in a connection's extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The files of a connection's TLS, each in PEM, by its absolute path.

    :param ca_bundle: the authorities that may vouch for the host, in place of the machine's own; None: the machine's.
    :param client_certificate: the certificate that the host is shown, with its chain; None: none.
    :param client_key: the key of that certificate, without a passphrase; None: it is in the same file.
    """

    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None

    @property
    def client_files(self) -> str | tuple[str, str] | None:
        """The client's certificate in the spelling of `requests`: a file with both, or one file each."""
        if self.client_certificate is None or self.client_key is None:
            return self.client_certificate
        return self.client_certificate, self.client_key

    def context(self) -> ssl.SSLContext:
        """The context of both drivers, shared by their threads. The files are read once, and again when they change.
        Raises ConfigurationError if a file cannot be read, or does not hold what it should, naming which."""
        files = {name: getattr(self, name) for name in FILES}
        return _context(self, tuple(_changed_at(name, path) for name, path in files.items() if path is not None))


@lru_cache(maxsize=32)
def _context(trust: Trust, _changed: tuple[int, ...]) -> ssl.SSLContext:
    context = _trusting(trust.ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust.client_certificate is not None:
        _prove(context, trust.client_certificate, trust.client_key)
    return context


def _trusting(ca_bundle: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except OSError:  # as an ssl.SSLError is: it could be opened just before
        raise ConfigurationError(f'"ca_bundle": {ca_bundle} holds no certificate in PEM') from None


def _prove(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise ConfigurationError(
            f'"client_certificate": {certificate} and {key or "the same file"} hold no certificate in PEM with its key '
            "(without a passphrase)"
        ) from None


def _no_passphrase() -> str:
    """An empty passphrase: without a callback OpenSSL would ask for one on the terminal, and wait."""
    return ""


def _changed_at(name: str, path: str) -> int:
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError as error:
        raise ConfigurationError(f'"{name}": {path} cannot be read ({type(error).__name__})') from None
