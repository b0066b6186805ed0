"""Outbound AI voice calls from Apache Airflow: nobody rung twice, nobody at a wrong hour, no row lost."""

__version__ = "0.2.0"
