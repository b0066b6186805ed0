"""Takes the vendors' webhooks: ``POST /callkaro/webhooks/{vendor}/{connection}``.

Begin at `app`, which answers; `doors` knows whose deliveries are let in, `inbox` writes them down. Airflow 3.1 and
later mounts it by the plugin (`lazy`); ``python -m airflow_provider_callkaro.receiver`` serves it alone. The room
imports ``tasks`` and every room below. An event is written before it is acknowledged, and no body is ever logged.
"""
