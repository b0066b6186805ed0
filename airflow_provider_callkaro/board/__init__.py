"""The board: what became of the calls of a run, as a page in Airflow's UI and as one HTML file.

Begin at `app` for the page (Airflow 3.1 and later) and at `standalone` for the file. Both show `figures.RunFigures`,
which is read from the ledger's database in a few queries that only read. `access` decides who may see what. The room
imports ``tasks`` and every room below; only the plugin and the command line import it.
"""
