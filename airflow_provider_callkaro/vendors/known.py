"""The list of the vendors: a new vendor is a line here.

The provider info, the check of hosts and the check of storage connections read it.
"""

from __future__ import annotations

from airflow_provider_callkaro.vendors.callaro.profile import CALLARO
from airflow_provider_callkaro.vendors.callkaro.profile import CALLKARO
from airflow_provider_callkaro.vendors.mrassistant.profile import MRASSISTANT
from airflow_provider_callkaro.vendors.profile import VendorProfile

VENDORS: tuple[VendorProfile, ...] = (CALLKARO, CALLARO, MRASSISTANT)
