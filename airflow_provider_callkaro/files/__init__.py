"""Files in any storage that Airflow knows: where they are, how rows are read from them and written to them.

Begin at `formats` (how a file holds rows) and `storage` (what a path names). ``reading/`` gives rows one by one and
never holds more than a bounded part of a file. ``writing/`` publishes a file whole or not at all. `path_confinement`
keeps a path that somebody else chose below a folder that the DAG's author chose.

The room imports ``vendors``, ``calls`` and ``exceptions``. It asks Airflow for storages only when a path is opened.
"""
