"""What a connection's host means: https, except to this machine, and nothing that only looks like it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.transport.target import Target, checked_base_url, is_loopback


def base_url(host, port=None):
    return checked_base_url(host, port=port, connection="callkaro_default")


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("api.callkaro.ai", None, "https://api.callkaro.ai"),
        ("https://api.callkaro.ai", None, "https://api.callkaro.ai"),
        ("  https://api.callkaro.ai/  ", None, "https://api.callkaro.ai"),
        ("HTTPS://API.CallKaro.ai", None, "https://api.callkaro.ai"),
        ("https://api.callkaro.ai:8443", None, "https://api.callkaro.ai:8443"),
        ("https://api.callkaro.ai:8443", 9000, "https://api.callkaro.ai:8443"),
        ("api.callkaro.ai", 8443, "https://api.callkaro.ai:8443"),
        ("https://gateway.example/callkaro/", None, "https://gateway.example/callkaro"),
        ("http://127.0.0.1:8900", None, "http://127.0.0.1:8900"),
        ("http://127.8.9.1", 8900, "http://127.8.9.1:8900"),
        ("http://localhost:8900", None, "http://localhost:8900"),
        ("http://[::1]:8900", None, "http://[::1]:8900"),
        ("https://[2001:db8::1]", 8443, "https://[2001:db8::1]:8443"),
        ("https://Bücher.example", None, "https://xn--bcher-kva.example"),
        ("https://my_service.svc", None, "https://my_service.svc"),
    ],
)
def test_a_host_means_one_address(host, port, url):
    assert base_url(host, port) == url
    assert Target(vendor="CallKaro", base_url=url, headers={}).url("/call/outbound") == f"{url}/call/outbound"


@pytest.mark.parametrize(
    "host",
    [
        "http://api.callkaro.ai",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.nip.example:8900",
        "http://0x7f.evil.example",
        "http://10.0.0.1",
        "http://0.0.0.0:8900",
        "http://[2001:db8::1]",
        "http://[::ffff:10.0.0.1]",
        "http://127.1",
        "http://2130706433",
        "HTTP://EVIL.EXAMPLE",
    ],
)
def test_plain_http_to_another_machine_is_refused(host):
    with pytest.raises(ConfigurationError) as error:
        base_url(host)
    assert 'connection "callkaro_default" is plain http' in str(error.value)
    assert "use https" in str(error.value)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "   ",
        "https://",
        "http://",
        "ftp://api.callkaro.ai",
        "file:///etc/passwd",
        "https:///call",
        "https://user:secret@api.callkaro.ai",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1:80@evil.example",
        "http://127.0.0.1\\@evil.example",
        "http://127.0.0.1#@evil.example",
        "http://127.0.0.1?@evil.example",
        "https://api.callkaro.ai\\.evil.example",
        "https://api.callkaro.ai?x=1",
        "https://api.callkaro.ai#x",
        "https://api.callkaro.ai:port",
        "https://api.callkaro.ai:0",
        "https://api.callkaro.ai:70000",
        "https://api.callkaro.ai:-1",
        "https://[::1",
        "https://::1]",
        "https://[api.callkaro.ai]",
        "http://[fe80::1%25eth0]",
        "https://api callkaro ai",
        "https://api.callkaro.ai/a b",
        "https://api.callkaro.ai/é",
        "https://api.callkaro.ai%2eevil.example",
        "https://%61pi.callkaro.ai",
        "https://api..callkaro.ai",
        "https://" + "a" * 64 + ".example",
        "https://\u2100.example",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(host):
    with pytest.raises(ConfigurationError) as error:
        base_url(host)
    assert 'the host of connection "callkaro_default" is no address' in str(error.value)
    assert "https://host:port" in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "host",
    [
        "https://faß.example",  # IDNA 2003: fass.example; IDNA 2008: xn--fa-hia.example
        "https://βόλος.example",
        "https://نامه\u200cای.example",
        "https://\u0dc1\u0dca\u200d\u0dbb\u0dd3.example",
    ],
)
def test_a_name_that_stands_for_two_hosts_is_refused(host):
    """Whoever registers the other one would get the key from every program that goes by the other standard."""
    with pytest.raises(ConfigurationError) as error:
        base_url(host)
    assert 'host of connection "callkaro_default"' in str(error.value)
    assert "write it in ASCII" in str(error.value)


def test_the_ascii_form_of_such_a_name_is_taken():
    assert base_url("xn--fa-hia.example") == "https://xn--fa-hia.example"


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_that_does_not_exist_is_refused(port):
    with pytest.raises(ConfigurationError):
        base_url("api.callkaro.ai", port)


@given(host=st.text() | st.from_regex(r"(https?://)?[\w.\[\]:@/?#%\\ -]*", fullmatch=True))
def test_whatever_a_host_is_plain_http_stays_on_this_machine(host):
    try:
        url = base_url(host)
    except ConfigurationError:
        return
    assert url.startswith("https://") or is_loopback(urlsplit(url).hostname)
    assert base_url(url) == url


def test_a_target_does_not_show_the_key():
    assert "secret" not in repr(Target(vendor="CallKaro", base_url="https://x", headers={"X-API-KEY": "secret"}))
