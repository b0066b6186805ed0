"""What each vendor's API says: a vendor builds requests and reads responses. No I/O, and nothing of Airflow.

Begin with `http` (a request and a response as values), then `callkaro.api`, the smallest vendor. Each vendor has a
folder: `profile` has its names and its connection form, `api` its requests and how its answers are read. Beside the
folders is what all vendors share: `answers` sorts every answer that is not a yes, `redaction` hides in an answer what
was sent, `known` lists the vendors. This room may import `calls` and `exceptions`.
"""
