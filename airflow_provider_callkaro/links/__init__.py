"""The links that Airflow's page of a task shows: to a vendor's dashboard, and to the files that the task wrote.

Begin with `callkaro`; `kept` is what all links share. Airflow stores a link as an XCom, so it holds nothing private.
The room imports ``files``, ``vendors`` and Airflow.
"""
