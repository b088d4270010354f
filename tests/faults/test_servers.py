"""Whatever a server answers, the load is right or the error says what to do; the next one is right.

What tests/archives/test_download.py holds is not tried here again: a wrong hash, no such file.
"""

import socket
import struct
import threading
import time

from helpers.archives import download

import loads
import pooch
import pytest
from loads import LETTERS, MNIST, send

COUNTS = {LETTERS: (60, 30), MNIST: (40, 20)}
PAGE = b"<!doctype html><title>Sign in to this network</title>"


def stalls_at_once(handler, content):
    threading.Event().wait(60)


def stalls_half_way(handler, content):
    send(handler, content[: len(content) // 2], length=len(content))
    handler.wfile.flush()
    threading.Event().wait(60)


def ends_half_way(handler, content):
    send(handler, content[: len(content) // 2], length=len(content))


def breaks_off(handler, content):
    """Half of it, then a reset, as of a cable that is pulled."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ends_half_way(handler, content)
    handler.wfile.flush()
    handler.connection.close()


def sends_ten_times_as_much(handler, content):
    send(handler, 10 * content)


def sends_more_than_it_says(handler, content):
    send(handler, 10 * content, length=len(content))


def sends_less_than_it_says(handler, content):
    send(handler, content, length=10 * len(content))


def says_nothing_of_the_length(handler, content):
    """Sends half and closes: without a length, nobody sees that something is missing."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])


def sends_a_page(handler, content):
    send(handler, PAGE)


def is_busy(handler, content):
    send(handler, PAGE, status=503)


def speaks_another_language(handler, content):
    handler.wfile.write(b"\0\xff" * 500)


def redirects(handler, content):
    if handler.path.startswith("/elsewhere/"):
        return send(handler, content)
    return send(handler, b"", status=302, Location=f"/elsewhere{handler.path}")


def redirects_for_ever(handler, content):
    send(handler, b"", status=302, Location=f"{handler.path[:-1]}/again/{handler.path[1:]}")


def redirects_to_a_page(handler, content):
    if handler.path.startswith("/sign-in/"):
        return send(handler, PAGE)
    return send(handler, b"", status=302, Location=f"/sign-in{handler.path}")


SURVIVED = (redirects, sends_more_than_it_says)
NAMED = (
    stalls_at_once, stalls_half_way, ends_half_way, breaks_off, sends_ten_times_as_much,
    sends_less_than_it_says, says_nothing_of_the_length, sends_a_page, is_busy,
    speaks_another_language, redirects_for_ever, redirects_to_a_page,
)  # fmt: skip


@pytest.fixture
def downloads(monkeypatch, tmp_path):
    """Downloads into an empty home, without waits between attempts, patient for half a second."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for variable, value in loads.home(tmp_path).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(pooch.core.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(pooch.downloaders, "DEFAULT_TIMEOUT", 0.5)
    monkeypatch.setattr(download, "SILENCE", 0.5)
    return tmp_path


def fetched(folder):
    """What downloads left there, whole or half."""
    every = [*folder.glob(".cache/emnist/**/*"), *folder.glob("keras/datasets/*")]
    return [path.name for path in every if path.suffix != ".lock"]


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("answer", [*SURVIVED, *NAMED])
def test_whatever_a_server_answers(answer, name, downloads, monkeypatch, tally):
    files, right = loads.published(COUNTS), loads.right(name, COUNTS)
    with loads.Server(files, answer) as server:
        loads.visit(server.url, files, monkeypatch.setattr)
        began = time.monotonic()
        found = loads.load(name)
        assert time.monotonic() - began < 20
        if answer in NAMED:
            assert found.startswith("named error: ") and "could not be downloaded" in found
            for words in ("network", "Run again", "COURSE_DATA=sample"):
                assert words in found
            assert set(fetched(downloads)) <= {"mnist.npz"}  # Keras's, which it tries anew
        else:
            assert found == right
        server.answer = send
        again = loads.load(name)
    words = answer.__name__.replace("_", " ")
    outcome = "named error" if answer in NAMED else "survived"
    tally(f"server {words}", outcome if again == right else f"the next load: {again}")


def test_a_server_that_goes_silent_is_waited_for_half_a_minute():
    """Both downloaders have a bound: pooch its own, Keras's that of the course."""
    assert pooch.downloaders.DEFAULT_TIMEOUT == 30 == download.SILENCE
    before = socket.getdefaulttimeout()
    with download._at_most_silent(7):
        assert socket.getdefaulttimeout() == 7
    assert socket.getdefaulttimeout() == before
