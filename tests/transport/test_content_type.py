"""What a body is called: as the request says, or else as every request of the vendor does."""

from __future__ import annotations

import re

import pytest

from airflow_provider_callkaro.vendors.http import Request


@pytest.mark.parametrize(
    ("content_type", "sent"), [(None, "application/json"), ("multipart/form-data; boundary=b", None)]
)
def test_a_body_of_another_kind_is_called_by_its_kind_and_the_next_is_not(serve, driver_to, content_type, sent):
    def answer_two(connection):
        for _ in range(2):
            connection.read_request()
            connection.answer()

    server = serve(answer_two)
    driver = driver_to(server.url)
    driver.exchange(Request("POST", "/import", b"body", content_type=content_type))
    driver.exchange(Request("POST", "/call", b"{}"))
    kinds = [re.findall(r"^content-type: (.*?)\r?$", head, re.M | re.I) for head, _ in server.requests]
    assert kinds == [[sent or content_type], ["application/json"]]
