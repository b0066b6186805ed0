"""A link to a file leads a person to it, or there is none; and it never holds what opens the storage."""

from __future__ import annotations

import json

import pytest

from airflow_provider_callkaro.files.addresses import browser_address


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("gs://outreach/2026-11-20.csv", "https://storage.cloud.google.com/outreach/2026-11-20.csv"),
        ("gs://gcp@outreach/a b/ü#.html", "https://storage.cloud.google.com/outreach/a%20b/%C3%BC"),
        ("s3://outreach/a/b.csv", "https://console.aws.amazon.com/s3/object/outreach?prefix=a/b.csv"),
        ("s3://key:secret@outreach/a.csv", "https://console.aws.amazon.com/s3/object/outreach?prefix=a.csv"),
        ("https://user:pw@files.example.org/r.csv?sig=SECRET#x", "https://files.example.org/r.csv"),
        ("/var/reports/r.csv", None),
        ("file:///var/reports/r.csv", None),
        ("sftp://host/r.csv", None),
        ("abfs://container@account.dfs.core.windows.net/r.csv", None),
        ("s3://outreach", None),
        ("", None),
    ],
)
def test_each_storage_has_its_own_page_or_none(path, address):
    assert browser_address(path) == address


@pytest.mark.parametrize(
    "extra",
    [{"endpoint_url": "http://minio:9000"}, {"service_config": {"s3": {"endpoint_url": "http://minio:9000"}}}],
)
def test_a_storage_that_only_speaks_like_amazons_has_no_page_there(monkeypatch, extra):
    connection = json.dumps({"conn_type": "aws", "password": "SECRET", "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection)
    assert browser_address("s3://outreach/r.csv") is None
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps({"conn_type": "aws"}))
    assert browser_address("s3://other@outreach/r.csv") is not None
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://minio:9000")
    assert browser_address("s3://other@outreach/r.csv") is None
