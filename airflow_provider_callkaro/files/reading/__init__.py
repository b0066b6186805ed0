"""Readers: each takes an open binary file and gives its rows as they are asked for.

A row that cannot be read is given as None, so that it is counted and rejected. A file that is not what it should be is
an error that names it. Begin at `csv_file`. `parquet_file` asks `parquet_pages` for the room that a file needs before
pyarrow unpacks any of it; `parquet_footer` and `thrift` read what that question needs.
"""
