"""The audit trail: who has done what with a ledger, as a hash chain of lines.

The digest of a line covers the digest before it, its place and its text. So any change, removal or insertion changes
every later digest. If the ledger has a key, each digest is sealed with it: somebody who can write the table can compute
digests, but no seals. A chain that was cut off at its end verifies; only a digest that was kept elsewhere shows it.

No line holds a phone number, a name, a key of a call or a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.digests import LedgerKeys, Purpose, key_of


class Action(StrEnum):
    """What a line records."""

    STARTED = "started"
    ENDED = "ended"
    RESOLVED = "resolved"
    ERASED = "erased"
    PRUNING = "pruning"
    """A prune begins. If it is killed, this line alone remains of it."""
    PRUNED = "pruned"
    CARRIED_OVER = "carried over"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One line of the trail.

    :param place: from 1.
    :param text: JSON.
    :param digest: of the line and all before it, 64 hexadecimal digits.
    :param seal: of the digest, with the ledger's key at that time; None if it had none.
    """

    place: int
    text: str
    digest: str
    seal: str | None = None


@dataclass(frozen=True, slots=True)
class AuditMark:
    """A place in the trail and the digest of its line, to keep elsewhere: it shows a trail that was cut off."""

    place: int
    digest: str

    def __str__(self) -> str:
        return f"{self.place}:{self.digest}"

    @classmethod
    def read(cls, text: str) -> AuditMark:
        """Read a mark from its text. Raises ConfigurationError if the text is no mark."""
        place, _, digest = text.strip().partition(":")
        if not place.isdecimal() or len(digest) != 64:
            raise ConfigurationError('a mark of the audit trail is "place:digest", as the XCom "audit" of a run has it')
        return cls(int(place), digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """The result of a verification. ``problems``: one sentence for each; empty if the trail is whole. ``unsealed``: how
    many lines come before the first seal. Anybody who may write the table can have made them."""

    lines: int
    last: AuditMark | None
    problems: tuple[str, ...]
    unsealed: int = 0


class Seals:
    """Seals digests with the ledger's keys. ``keys``: the first one seals; all of them verify."""

    def __init__(self, keys: LedgerKeys) -> None:
        self._keys = keys

    def make(self, digest: str) -> str:
        """The seal of a digest."""
        return self._keys.first.digest(Purpose.AUDIT, digest)

    def fits(self, seal: str, digest: str) -> bool | None:
        """Whether a seal is that of a digest; None if its key is unknown."""
        key = self._keys.find(key_of(seal) or "")
        return None if key is None else compare_digest(key.digest(Purpose.AUDIT, digest), seal)


def digest_of(*, before: str, place: int, text: str) -> str:
    """The digest of a line. ``before``: the digest of the line before; empty for the first."""
    return sha256(f"{before}\n{place}\n{text}".encode()).hexdigest()


def verify(
    lines: Iterable[AuditLine], *, seals: Seals | None = None, expected: Iterable[AuditMark] = ()
) -> AuditVerdict:
    """Verify a whole trail.

    After a line with a problem, the next one is compared with the digest that is stored there, so that each change is
    reported once.

    :param seals: verify seals; None if the ledger has no key.
    :param expected: marks that were kept elsewhere.
    """
    problems: list[str] = []
    wanted = {mark.place: mark.digest for mark in expected}
    place, before = 0, ""
    last: AuditLine | None = None
    first_sealed = None
    unproven: dict[str, int] = {}
    count = 0
    for line in lines:
        count += 1
        place += 1
        if line.place != place:
            problems.append(f"line {place} is missing: line {line.place} stands in its place")
            place = line.place
        if not compare_digest(digest_of(before=before, place=place, text=line.text), line.digest):
            problems.append(f"line {place} was changed, or what stood before it")
        if place in wanted and not compare_digest(wanted.pop(place), line.digest):
            problems.append(f"line {place} is not the one that was kept elsewhere")
        if line.seal is None:
            if first_sealed is not None:
                problems.append(f"line {place} has no seal, although line {first_sealed} has one")
        else:
            first_sealed = first_sealed or place
            fits = None if seals is None else seals.fits(line.seal, line.digest)
            id_ = key_of(line.seal)
            if fits is False or id_ is None:
                problems.append(f"line {place} has a seal that does not fit")
            elif fits is None:  # a later seal does not prove this one: it covers whatever was stored here
                unproven.setdefault(id_, place)
        before, last = line.digest, line
    if seals is not None and last is not None and last.seal is None and first_sealed is None:
        problems.append("the ledger has a key, and no line of the trail is sealed with one")
    problems += [
        f"line {place} has a seal of the key {id_}, which the connection does not have: add its secret, the oldest last"
        for id_, place in unproven.items()
    ]
    problems += [f"line {missing} is missing: the trail was cut off before it" for missing in sorted(wanted)]
    return AuditVerdict(
        lines=count,
        last=None if last is None else AuditMark(last.place, last.digest),
        problems=tuple(problems),
        unsealed=count if first_sealed is None else first_sealed - 1,
    )
