"""An answer is the same however the network cuts it, and none is longer than an answer may be."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.transport.answer_reader import MAX_HEAD_BYTES, MAX_WIRE_BYTES, AnswerReader
from airflow_provider_callkaro.vendors.http import MAX_BODY_BYTES

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = (
    OK + b"Transfer-Encoding: chunked\r\nX-Request-Id: r\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n"
)
ANSWERS = {
    "length": OK + b"Content-Length: 5\r\nX-Request-Id: r\r\n\r\nabcde",
    "chunks": CHUNKED,
    "until the end": OK + b"X-Request-Id: r\r\n\r\nabcde",
    "behind others": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Request-Id: no\r\n\r\n" + CHUNKED,
    "no body": b"HTTP/1.1 204 No Content\r\nX-Request-Id: r\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 500 Oh\r\nX-Request-Id: r\r\nX-REQUEST-ID: s\r\n\r\nabcde",
    "and more": OK + b"Content-Length: 5\r\nX-Request-Id: r\r\n\r\nabcde" + OK + b"Content-Length: 0\r\n\r\n",
    "no HTTP": OK + b"Content-Length: 5, 6\r\n\r\nabcde",
    "two lengths": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nX-Request-Id: r\nContent-Length: 5\n\nabcde",
}


def read(pieces):
    """What a connection reads of an answer whose pieces come one after the other, and that ends then. What came behind
    the end in one piece with it is seen at once; else the connection, which asked for nothing, ends when it comes."""
    reader = AnswerReader()
    try:
        for at, piece in enumerate(pieces):
            reader.feed(piece)
            if reader.answer is not None:
                answer, is_all = reader.answer, at == len(pieces) - 1
                return answer.status, answer.headers, answer.body, answer.is_reusable and is_all
        reader.finish()
    except ValueError as error:
        return str(error)
    return reader.answer and (reader.answer.status, reader.answer.headers, reader.answer.body, False)


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_is_cut_in_two_reads_the_same(kind):
    data = ANSWERS[kind]
    whole = read([data])
    for at in range(1, len(data)):
        assert read([data[:at], data[at:]]) == whole, at


@given(kind=st.sampled_from(sorted(ANSWERS)), cuts=st.lists(st.integers(1, 200), max_size=30))
def test_an_answer_that_is_cut_anywhere_reads_the_same(kind, cuts):
    data = ANSWERS[kind]
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    assert read([data[start:end] for start, end in pairwise(bounds)]) == read([data])


def test_every_kind_is_read():
    found = {kind: read([data]) for kind, data in ANSWERS.items()}
    assert found["no HTTP"] == found["two lengths"] == "no HTTP"
    assert {kind: answer[0] for kind, answer in found.items() if answer != "no HTTP"} == {
        **dict.fromkeys(["length", "chunks", "until the end", "behind others", "and more", "bare line feeds"], 200),
        "no body": 204,
        "HTTP/1.0": 500,
    }
    for kind, answer in found.items():
        if answer != "no HTTP":
            assert answer[1]["x-request-id"] == "r", kind
            assert answer[2] == (b"" if kind == "no body" else b"abcde"), kind
    assert {kind for kind, answer in found.items() if answer[3] is True} == {
        *("length", "chunks", "behind others", "no body", "bare line feeds")
    }


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200\r\nContent-Length:   5  \r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Bell: a\x07b\r\nContent-Length: 5\r\n\r\n",
    ],
    ids=["no reason", "folded", "upgrade", "bell"],
)
def test_an_answer_that_is_written_badly_is_read_all_the_same(head):
    found = read([head + b"abcde"])
    assert found != "no HTTP"
    assert (found[0], found[2]) == (200, b"abcde")


def test_one_reader_reads_the_answers_of_a_connection_one_after_the_other():
    reader = AnswerReader()
    for data in (ANSWERS["length"], ANSWERS["chunks"], ANSWERS["no body"], ANSWERS["behind others"]):
        reader.begin()
        reader.feed(data)
        assert (reader.answer.status, reader.answer.headers, reader.answer.body, reader.answer.is_reusable) == read(
            [data]
        )


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1", OK, OK + b"Content-Length: 5\r\n\r\nabcd", CHUNKED[:-2]])
def test_an_answer_that_ends_too_early_is_none(cut):
    assert read([cut]) is None


def endless(start, more, *, at_most):
    """Feed it until the reader has had enough."""
    reader, fed = AnswerReader(), len(start)
    reader.feed(start)
    while reader.answer is None:
        reader.feed(more)
        fed += len(more)
        assert fed <= at_most + len(start) + len(more)
    return reader.answer


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (OK + b"X-Long: ", b"x" * 1_000),
        (OK, b"X-Many: x\r\n" * 100),
        (OK + b"X-Name", b"x" * 1_000),
        (b"HTTP/1.1 200 ", b"x" * 1_000),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 30),
        (b"", b"\r\n" * 500),
    ],
    ids=["value", "headers", "name", "status line", "103", "line ends"],
)
def test_a_head_without_end_is_no_answer(start, more):
    with pytest.raises(ValueError, match=r"too long|no HTTP"):
        endless(start, more, at_most=MAX_HEAD_BYTES)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: x\r\n" * 10_000),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1;x=", b"x" * 100_000),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1" + b"0" * 20 + b"\r\n"),
    ],
    ids=["trailers", "extension of a chunk", "size of a chunk"],
)
def test_what_stands_around_a_body_without_end_is_no_answer(start, more):
    with pytest.raises(ValueError, match=r"too long|no HTTP"):
        endless(start, more, at_most=MAX_WIRE_BYTES)


@pytest.mark.parametrize("start", [OK + b"\r\n", OK + b"Content-Length: 99999999\r\n\r\n"], ids=["no length", "long"])
def test_of_a_body_without_end_the_beginning_is_kept(start):
    answer = endless(start, b"x" * 65_536, at_most=MAX_BODY_BYTES + 65_536)
    assert MAX_BODY_BYTES < len(answer.body) <= MAX_BODY_BYTES + 65_536
    assert not answer.is_reusable


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([OK, b"\r\n", b"Content-Length: 3\r\n", b"5\r\n"]), max_size=9)
)
def test_nothing_whatsoever_breaks_the_reader(pieces):
    found = read([b"HTTP/1.1 200 OK\r\n", *pieces])
    assert found is None or isinstance(found, (str, tuple))
