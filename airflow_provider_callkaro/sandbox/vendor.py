"""What every stand-in vendor has: a request, an answer, and a way to refuse.

A vendor is a set of endpoints, a check of its key and a shape of its errors. It knows nothing of sockets and faults,
so each one is plain functions of a request and of what it remembers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from airflow_provider_callkaro.sandbox.endpoints import Endpoint, VendorPath
from airflow_provider_callkaro.sandbox.request_log import RequestLog, Ring
from airflow_provider_callkaro.sandbox.settings import Settings
from airflow_provider_callkaro.sandbox.webhooks.fates import EndedTry
from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Refused(Exception):
    """The vendor does not accept this request. Never leaves the sandbox: `Vendor.answer` turns it into an answer.
    ``details``: what the vendor's error shape has beside the message; None if it has nothing."""

    def __init__(self, status: int, message: str, *, details: object = None) -> None:
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
    """

    endpoint: VendorPath
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    id: str = ""
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of a vendor: a status, and a JSON object or a CSV. ``csv``: the lines of a CSV, each with its end;
    None for a JSON object."""

    status: int = 200
    body: Mapping[str, object] = field(default_factory=dict)
    csv: Iterable[str] | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the vendor did what it was asked to."""
        return 200 <= self.status < 300


Handler: TypeAlias = Callable[[Asked], Answer]


class Vendor(ABC):
    """One vendor's decisions. Its methods run on the server's thread; what a test reads is guarded by a lock."""

    name: ClassVar[str]
    connection_type: ClassVar[str]
    """The type of the Airflow connection that leads here; its id is ``<connection_type>_default``."""
    login: ClassVar[str | None] = None
    """The login of that connection, where the vendor has one."""
    prefixes: ClassVar[tuple[str, ...]]
    """How its paths begin. An error at a path that does not exist has the shape of the vendor with that prefix."""
    paths: ClassVar[type[VendorPath]] = Endpoint
    """The enum that holds its paths; a fault may name each of them."""
    campaigns_name: ClassVar[str] = ""
    """Under which ``/_sandbox/campaigns`` lists its campaigns; empty where it has none."""

    def __init__(self, *, settings: Settings, request_log: RequestLog) -> None:
        self._settings = settings
        self._request_log = request_log
        self._handlers = self.handlers()

    @abstractmethod
    def handlers(self) -> Mapping[VendorPath, Handler]:
        """What answers at each path, in the order in which the paths are matched. A handler raises `Refused`."""

    @property
    def endpoints(self) -> Collection[VendorPath]:
        """Its paths, in the order in which they are matched."""
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
        """Refuse the key although it is right."""

    @abstractmethod
    def rejected(self, status: int, body: bytes) -> Refused:
        """Refuse a body that is right, and repeat the phone number in it."""

    @abstractmethod
    def error(self, refusal: Refused) -> Answer:
        """Put a refusal in the vendor's error shape."""

    def newer(self, accepted: Answer, _asked: Asked) -> Answer:
        """Give an answer in the vendor's newer shape; as it is where there is none."""
        return accepted

    def airflow_connection(self, *, url: str) -> dict[str, str]:
        """The fields of the Airflow connection that leads here, with the right key."""
        login = {} if self.login is None else {"login": self.login}
        return {"conn_type": self.connection_type, **login, "host": url, "password": self._settings.api_key}

    def campaigns_by_id(self) -> Mapping[str, DataclassInstance]:
        """Every campaign, in order, by the id that its rings carry."""
        return {}

    def webhook(self, ended: EndedTry) -> Mapping[str, object]:
        """What it tells of a try that has ended; a vendor without a webhook of its own tells the least."""
        return {"call_id": ended.ring.call_id, "ending": ended.tried.ending}

    def retries_of(self, _ring: Ring) -> int:
        """How often it rings again where nobody answers."""
        return 0

    def own_webhook(self, _ring: Ring) -> Webhook | None:
        """Whom this call's own request says to tell, where it can say so."""
        return None

    def signature(self, _body: bytes, *, secret: str) -> Mapping[str, str]:  # noqa: ARG002
        """The headers that sign a webhook; a vendor that does not sign has none."""
        return {}

    def open(self) -> None:  # noqa: B027  # most vendors have nothing to do here
        """Begin to act on its own, where it does."""

    def close(self) -> None:  # noqa: B027  # most vendors have nothing to do here
        """Stop acting on its own until it is opened again."""

    def forget(self) -> None:  # noqa: B027  # most vendors have nothing to do here
        """Forget everything but the rings, which the request log holds."""
