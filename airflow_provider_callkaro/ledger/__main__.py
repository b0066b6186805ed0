"""``python -m airflow_provider_callkaro.ledger``: the commands, for an Airflow that takes none from providers.

Only this file of the room imports a room above it.
"""

from airflow_provider_callkaro.commands.definition import main

if __name__ == "__main__":
    main()
