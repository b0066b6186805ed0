"""The links that Airflow's page of a task shows. Each leads to a vendor's dashboard.

Begin with `callkaro`, the only one so far. Airflow stores a link as an XCom, so it holds nothing private. The room
imports ``vendors`` and Airflow.
"""
