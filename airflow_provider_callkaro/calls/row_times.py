"""How the times in a row are read, which mostly have neither an offset nor a zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from airflow_provider_callkaro.calls import coercion
from airflow_provider_callkaro.calls.call import InvalidCall
from airflow_provider_callkaro.calls.options import NEEDS_POLICY
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import ConfigurationError

TIME_FIELDS = frozenset({"schedule_at", "min_trigger_time", "max_trigger_time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTimes:
    """Reads the times of rows.

    :param zone: of naive ``schedule_at`` values and of trigger times; None refuses both.
    :param takes_offset: whether the vendor takes moments with their offset.
    :param judged: whether a calling policy judges the calls; only a policy knows the next window.
    """

    zone: tzinfo | None
    takes_offset: bool
    judged: bool

    def require_zone(self, field: str, place: str) -> None:
        """Refuse a field for all calls, or a column, that needs a zone where none is known. ``place``: where the field
        comes from, for the message. Raises ConfigurationError if the zone is not known, and the field needs it."""
        if field in TIME_FIELDS and not self.takes_offset and self.zone is None:
            raise ConfigurationError(
                f"{field} ({place}) needs a time zone, because the vendor takes it without one: set "
                '"schedule_timezone" in the extra of the connection, such as "Asia/Kolkata"'
            )

    def read_schedule_at(self, value: object) -> object:
        """An aware moment, or the next window. Raises InvalidCall if it needs a zone or a policy that is missing, or
        the clock shows it twice."""
        if coercion.is_next_window(value):
            if not self.judged:
                raise InvalidCall(Reason.BAD_SCHEDULE_AT, NEEDS_POLICY)
        elif not self.takes_offset:
            self._require_zone()
        moment = coercion.read_schedule_at(value, self.zone)
        if isinstance(moment, datetime) and moment.utcoffset() is None:
            self._require_zone()
        if self.judged or self.takes_offset:
            return moment
        if coercion.is_shown_twice(moment, self.zone):
            raise InvalidCall(
                Reason.BAD_SCHEDULE_AT,
                "schedule_at falls into the hour that comes twice on the vendor's clock, which is told no offset: "
                "choose another hour",
            )
        return moment

    def read_trigger_time(self, value: object) -> object:
        """A time of day, ``HH:MM``. Raises InvalidCall if its zone is unknown."""
        self._require_zone()
        return coercion.read_trigger_time(value)

    def _require_zone(self) -> None:
        if self.zone is None:
            raise InvalidCall(
                Reason.SCHEDULE_TIMEZONE_UNKNOWN,
                'the row has a time of day, but the connection\'s extra has no "schedule_timezone"',
            )
