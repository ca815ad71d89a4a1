"""A server in a process of its own, with many clients, some of them hostile."""

import json
import os
import socket
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from lamina import CNNClassifier, DNNClassifier

pytest.importorskip("fastapi", reason="needs the extra serve")
httpx = pytest.importorskip("httpx", reason="the client of the tests")
uvicorn = pytest.importorskip("uvicorn", reason="needs the extra serve")

from lamina.serving import create_app  # noqa: E402
from lamina.serving.server import server_config  # noqa: E402

pytestmark = pytest.mark.slow
PROGRAM = """
import sys
import lamina
from lamina.serving import Limits, serve, server
server.SILENCE = 6  # in place of 20 seconds
serve(lamina.load(sys.argv[1]), port=0, limits=Limits(timeout=float(sys.argv[2])))
"""
N_CLIENTS, N_REQUESTS = 8, 25
MAX_GROWTH = 60e6
"""Bytes that the memory of the server may grow by: allocators keep some."""


@contextmanager
def serving(network, folder, timeout=5.0):
    """The address of a server of the network, and its process."""
    path = folder / "network.lamina"
    network.save(path)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), str(timeout)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline()
            yield line.split()[1], process
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    X = np.random.default_rng(0).normal(size=(200, 4))
    network = DNNClassifier(max_iter=3, random_state=0).fit(X, X[:, 0] > 0)
    with serving(network, tmp_path_factory.mktemp("table")) as (url, process):
        yield network, X, url, process


def memory(process):
    """Bytes of memory that a process has."""
    pages = Path(f"/proc/{process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def assert_answers(network, X, url):
    answer = httpx.post(f"{url}/predict", json={"samples": X.tolist()}, timeout=30)
    assert answer.status_code == 200
    assert answer.json()["probabilities"] == network.predict_proba(X).tolist()


def address_of(url):
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def test_the_page_and_health_are_there(table):
    url = table[2]
    assert httpx.get(f"{url}/health").json()["status"] == "ok"
    assert "text/html" in httpx.get(url).headers["content-type"]


def test_eight_clients_get_the_answers_to_their_own_samples(table):
    network, X, url, _ = table
    expected = network.predict_proba(X)

    def answers_to(client):
        rng = np.random.default_rng(client)
        with httpx.Client(base_url=url, timeout=60) as session:
            for _ in range(N_REQUESTS):
                rows = rng.integers(0, len(X), 1 + client)
                body = {"samples": X[rows].tolist()}
                answer = session.post("/predict", json=body).json()
                actual = answer["probabilities"]
                np.testing.assert_allclose(actual, expected[rows], rtol=0, atol=1e-6)
        return True

    with ThreadPoolExecutor(N_CLIENTS) as pool:
        assert all(pool.map(answers_to, range(N_CLIENTS)))
    page = httpx.get(f"{url}/metrics").text
    n_batches = int(page.partition("lamina_batch_samples_count ")[2].split()[0])
    assert n_batches <= N_CLIENTS * N_REQUESTS


HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)


def chunks(n, size=100_000):
    """A body in chunks, without its length."""
    yield from (b"%x\r\n" % size + b"[" * size + b"\r\n" for _ in range(n))


def send(url, parts):
    """Send parts until the server closes; what it answers."""
    with socket.create_connection(address_of(url), timeout=15) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            return connection.recv(4_000)
        except (ConnectionError, TimeoutError):
            return b""


def hostile_parts():
    deep = b'{"samples":' + b"[" * 200_000
    bomb = json.dumps({"samples": [[1, 2, 3, 4]] * 100_000}).encode()
    with_length = HEAD + b"Content-Length: %d\r\n\r\n"
    return {
        "a huge length": [with_length % 10**12],
        "a huge body in chunks": [
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
            *chunks(300),
        ],
        "deep": [with_length % len(deep) + deep],
        "many samples": [with_length % len(bomb) + bomb],
        "two lengths": [HEAD + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\n12345"],
        # Without its end it may be the begin of a request line: that is a slow client.
        "no HTTP": [os.urandom(4_000) + b"\r\n\r\n"],
        "an endless header": [HEAD + b"X: " + b"a" * 1_000_000],
        "a negative length": [HEAD + b"Content-Length: -5\r\n\r\n"],
        "half a body": [with_length % 100 + b"{"],
    }


def test_hostile_requests_are_refused_and_others_are_answered(table):
    network, X, url, process = table
    for name, parts in hostile_parts().items():
        if name != "half a body":  # tested by its time
            status = send(url, parts)[:12]
            assert status in (b"HTTP/1.1 413", b"HTTP/1.1 422", b"HTTP/1.1 400", b""), (
                name
            )
        assert_answers(network, X[:3], url)
    before = memory(process)
    for _ in range(10):
        for name, parts in hostile_parts().items():
            if name != "half a body":
                send(url, parts)
    assert_answers(network, X[:3], url)
    assert memory(process) - before < MAX_GROWTH


def test_slow_clients_are_given_up_and_delay_nobody(table):
    network, X, url, _ = table
    slow = [socket.create_connection(address_of(url)) for _ in range(50)]
    heads = b"POST /pre", HEAD + b"Content-Length: 100\r\n\r\n{", b"P\xff" * 2_000
    for i, connection in enumerate(slow):
        connection.sendall(heads[i % 3])
    start = time.monotonic()
    assert_answers(network, X[:3], url)
    assert time.monotonic() - start < 5
    slow[1].settimeout(30)
    assert slow[1].recv(100).startswith(b"HTTP/1.1 408")
    for connection in (slow[0], slow[2]):
        connection.settimeout(60)
        with suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    for connection in slow:
        connection.close()
    assert_answers(network, X[:3], url)


def test_clients_that_leave_harm_nobody(table):
    network, X, url, process = table
    body = json.dumps({"samples": X.tolist()}).encode()
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    before = memory(process)
    for _ in range(200):
        with socket.create_connection(address_of(url)) as connection:
            connection.sendall(request)
    # A slow server may read this request before it learns that the others have left.
    deadline = time.monotonic() + 30
    while httpx.post(f"{url}/predict", json={"samples": [[0] * 4]}).status_code == 503:
        assert time.monotonic() < deadline
    assert_answers(network, X[:3], url)
    assert memory(process) - before < MAX_GROWTH


def png_bomb(side):
    """A grey PNG of side x side pixels in a few kilobytes."""

    def chunk(kind, content):
        size, check = len(content), zlib.crc32(kind + content)
        return size.to_bytes(4, "big") + kind + content + check.to_bytes(4, "big")

    sides = side.to_bytes(4, "big") * 2
    pixels = zlib.compress(bytes((side + 1) * side), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", sides + b"\x08\x00\x00\x00\x00")
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def test_pictures_that_decompress_to_a_huge_image_are_refused(tmp_path):
    pytest.importorskip("PIL", reason="needs the extra image")
    X = np.random.default_rng(0).integers(0, 255, (20, 8, 8)).astype(np.uint8)
    network = CNNClassifier(max_iter=1, random_state=0).fit(X, np.arange(20) % 2)
    bomb, picture = png_bomb(8_000), png_bomb(8)
    assert len(bomb) < 100_000
    with serving(network, tmp_path) as (url, process):
        before = None
        for _ in range(10):
            for body in (bomb, bomb[:5_000], b"\x89PNG\r\n\x1a\n" + b"\xff" * 5_000):
                headers = {"Content-Type": "image/png"}
                answer = httpx.post(
                    f"{url}/predict", content=body, headers=headers, timeout=30
                )
                assert answer.status_code in (413, 422), answer.text
            right = httpx.post(f"{url}/predict", content=picture, headers=headers)
            expected = network.predict_proba(np.zeros((1, 8, 8), np.uint8)).tolist()
            assert right.json()["probabilities"] == expected
            before = before or memory(process)
        assert memory(process) - before < MAX_GROWTH


def test_answers_do_not_wait_for_acknowledgements(table):
    app = create_app(table[0], allowed_hosts=["127.0.0.1"])
    server = uvicorn.Server(server_config(app))
    with socket.create_server(("127.0.0.1", 0)) as opened:
        thread = Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        try:
            url = f"http://127.0.0.1:{opened.getsockname()[1]}/health"
            with httpx.Client() as client:
                assert client.get(url).status_code == 200
                (protocol,) = server.server_state.connections
                connection = protocol.transport.get_extra_info("socket")
                assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        finally:
            server.should_exit = True
            thread.join()
