"""The commands of this package: ``airflow callkaro …``, and ``python -m airflow_provider_callkaro.ledger …``.

Begin at `definition`, which lists them. The room opens an Airflow connection, asks for a number and prints a table;
what a command does to a ledger is in the room ``ledger``. It imports ``tasks`` and every room below; nothing but the
command line imports it.
"""
