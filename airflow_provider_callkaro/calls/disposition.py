"""What became of a call that a vendor took: a small set of words that a person can count.

Each vendor has its own words, and some have one word for four situations. They fold into these; the vendor's own word
is kept beside it. A word that nobody documents is `OTHER`, never a guess. The values are part of the public interface.
"""

from __future__ import annotations

from enum import StrEnum


class Disposition(StrEnum):
    """What became of one attempt to reach a person."""

    REACHED = "reached"
    """A person answered, and the agent spoke."""
    NOT_REACHED = "not_reached"
    """It rang, or could not ring, and nobody answered: no answer, busy, out of coverage."""
    VOICEMAIL = "voicemail"
    """A machine answered."""
    REFUSED = "refused"
    """The person declined the call while it rang."""
    INVALID_NUMBER = "invalid_number"
    """The number does not exist, or cannot be called."""
    BLOCKED = "blocked"
    """The vendor did not ring: outside its hours, deleted before its time, or on its own do-not-call list."""
    VENDOR_FAULT = "vendor_fault"
    """The vendor or its network failed before or while the phone rang."""
    OTHER = "other"
    """The call is over, and the vendor's word for it is none that we know."""
