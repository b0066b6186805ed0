"""The commands of this package: ``airflow callkaro …``, and ``python -m airflow_provider_callkaro.ledger …``.

Begin with `definition`, which says them all. What a command does to a ledger stands in the room `ledger`; here an
Airflow connection is opened, a person is asked, and a table is printed.
"""
