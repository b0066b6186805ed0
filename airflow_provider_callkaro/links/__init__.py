"""The links that Airflow's page of a task shows. Each leads to a vendor's dashboard."""
