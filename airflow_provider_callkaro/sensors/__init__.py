"""The sensors that a DAG imports: they wait for hours, for a call, or for a campaign.

Begin with `schedule_window`, which works out one moment and sleeps until then. `status` is the base of the sensors that
ask a vendor again and again. This room imports every room below it and Airflow, and no operator.
"""
