"""What a call is, and when it may ring. Pure: no I/O, and no clock of its own."""

from airflow_provider_callkaro.calls.call import Call, InvalidCall
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow

__all__ = ["Call", "CallingPolicy", "InvalidCall", "Outcome", "Reason", "ScheduleWindow"]
