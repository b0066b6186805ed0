"""What a call is, and when it may ring. Pure: no I/O, and no clock of its own."""

from airflow_provider_callkaro.calls.call import Call, InvalidCall
from airflow_provider_callkaro.calls.outcome import Outcome, Reason

__all__ = ["Call", "InvalidCall", "Outcome", "Reason"]
