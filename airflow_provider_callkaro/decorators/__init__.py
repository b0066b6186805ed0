"""TaskFlow decorators: a function that gives contact rows becomes a task that calls them.

``@task.callkaro_calls`` and ``@task.mrassistant_calls`` are the fan-out operators with a function in the place of
``contacts``; `get_provider_info` tells Airflow their names. Begin with `function_operator.FunctionOperator`, which both
share.
"""
