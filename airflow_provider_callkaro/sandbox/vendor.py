"""What passes between a client and any of the vendors: a request, an answer, and the way to say no.

A vendor is a set of endpoints, a check of its key and a shape of its errors. It knows nothing of sockets and faults,
so each one is plain functions of a request and of what has been remembered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from airflow_provider_callkaro.sandbox.endpoints import Endpoint


class Refused(Exception):
    """The vendor does not accept this request.

    :param status: the HTTP status.
    :param message: what the error body says.
    :param details: what the vendor's error shape has beside the message; None if it has nothing.
    """

    def __init__(self, status: int, message: str, *, details: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to a vendor.

    :param headers: by their names in lower case.
    :param query: the query parameters.
    :param id: the id in the path; empty where the path has none.
    :param body: as it came, undecoded.
    """

    endpoint: Endpoint
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    id: str = ""
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of a vendor: a status, and a JSON object or a CSV.

    :param csv: the lines of a CSV, each with its end; None for a JSON object.
    """

    status: int = 200
    body: Mapping[str, Any] = field(default_factory=dict)
    csv: Iterable[str] | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the vendor did what it was asked to."""
        return 200 <= self.status < 300


Handler: TypeAlias = Callable[[Asked], Answer]


class Vendor(ABC):
    """One vendor's decisions.

    :param handlers: what is done at each endpoint; a handler raises `Refused` to say no.
    """

    name: ClassVar[str]
    prefixes: ClassVar[tuple[str, ...]]
    """How its paths begin, for the shape of an error at a path that does not exist."""

    def __init__(self, handlers: Mapping[Endpoint, Handler]) -> None:
        self._handlers = handlers

    @property
    def endpoints(self) -> Collection[Endpoint]:
        """Its endpoints, in the order in which their paths are to be matched."""
        return self._handlers.keys()

    def answer(self, asked: Asked) -> Answer:
        """Do what is asked, or refuse."""
        try:
            return self._handlers[asked.endpoint](asked)
        except Refused as refusal:
            return self.error(refusal)

    @abstractmethod
    def check_key(self, asked: Asked) -> Answer | None:
        """Return the refusal if the request does not come from the customer."""

    @abstractmethod
    def key_refused(self, status: int) -> Refused:
        """Say that the key is refused although it is right."""

    @abstractmethod
    def rejected(self, status: int, body: bytes) -> Refused:
        """Say no to a body that is right, repeating the phone number in it."""

    @abstractmethod
    def error(self, refusal: Refused) -> Answer:
        """Say no in the vendor's error shape."""
