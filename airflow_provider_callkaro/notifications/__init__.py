"""What phones a person because something happened in Airflow: an engineer on call, when a task has failed.

Begin with `callkaro`, the notifier. `incident` says what it tells of the failure, `quiet` that it does so once. This
room imports every room below it and Airflow, and no operator and no sensor.
"""
