"""Files in any storage that Airflow knows: where they lie, whether they can be written, and how they appear whole."""
