"""One hook per vendor: the Airflow connection, and a method for each thing that the vendor's API can do.

Begin at `vendor.VendorHook`: it reads the connection once (`connection` says how) and sends over the session that
`get_conn` returns. ``callkaro.py``, ``callaro/`` and ``mrassistant/`` hold the methods; `form` is the connection form
before Airflow 3.2. The room imports ``transport``, ``vendors``, ``calls`` and ``exceptions``, and Airflow. A hook has
no ledger: what must ring nobody twice is an operator's.
"""
