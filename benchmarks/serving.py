"""Requests per second and latencies of a served network, by clients with open connections.

`lamina.serving`, the same estimator in a bare FastAPI handler, and scikit-learn's
MLPClassifier in the same handler; each in a process of its own, in the order A B A B. All
get the same bytes, {"samples": [[64 numbers]]}, and answer labels and probabilities.

`python -m benchmarks serving memory [N]` prints the memory of the server over N requests
(default 100,000), and stores nothing.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.problem import PLAIN
from benchmarks.runner import ROUNDS, machine_line, store

N_FEATURES, N_CLASSES, HIDDEN = 64, 10, (100,)
CLIENTS = (1, 8, 32)
SECONDS = float(os.environ.get("SECONDS", "4"))
N_REQUESTS = 100_000
CONTENDERS = ("lamina.serving", "lamina, bare FastAPI", "scikit-learn, bare FastAPI")


def main(arguments: list[str]) -> None:
    print(machine_line())
    if arguments[:1] == ["memory"]:
        report_memory(int(arguments[1]) if len(arguments) > 1 else N_REQUESTS)
        return
    servers = {name: Server(name) for name in CONTENDERS}
    for n_clients in CLIENTS:
        runs: dict[str, list[np.ndarray]] = {name: [] for name in CONTENDERS}
        for server in servers.values():
            server.latencies(n_clients, 0.5)
        for _ in range(ROUNDS):
            for name, server in servers.items():
                runs[name].append(server.latencies(n_clients, SECONDS))
        report(n_clients, runs)
    for server in servers.values():
        server.end()


def report(n_clients: int, runs: dict[str, list[np.ndarray]]) -> None:
    """Print and store the medians over the rounds."""
    print(f"\n{n_clients} client(s){'':16}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
    figures = {}
    for name, rounds in runs.items():
        rate = median(len(times) / SECONDS for times in rounds)
        p50, p99 = (
            median(float(np.percentile(times, q)) * 1000 for times in rounds)
            for q in (50, 99)
        )
        print(f"  {name:28}{rate:10,.0f}{p50:9.2f}{p99:9.2f}", flush=True)
        figures[name] = {
            "requests_per_s": round(rate),
            "p50_ms": round(p50, 2),
            "p99_ms": round(p99, 2),
        }
    store("serving", f"{n_clients} clients", figures, rounds=ROUNDS, seconds=SECONDS)


def report_memory(n_requests: int) -> None:
    """Print the resident memory of the server after each tenth of the requests."""
    server = Server(CONTENDERS[0])
    print(f"{'requests':>10}{'MB':>8}")
    for part in range(11):
        if part:
            server.latencies(8, n_most=n_requests // 10)
        n_answered = part * (n_requests // 10)
        print(f"{n_answered:10,}{server.megabytes():8.1f}", flush=True)
    server.end()


class Server:
    """A process with a contender, at a free port."""

    def __init__(self, name: str):
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from benchmarks import serving; serving.run({name!r})",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().split(":")[-1].split()[0])

    def latencies(
        self, n_clients: int, seconds: float = 3600.0, n_most: int = 10**9
    ) -> np.ndarray:
        """Seconds of each request, for some time or until there are `n_most`."""
        return asyncio.run(self._latencies(n_clients, seconds, n_most))

    async def _latencies(
        self, n_clients: int, seconds: float, n_most: int
    ) -> np.ndarray:
        stop = time.perf_counter() + seconds
        parts = [n_most // n_clients] * n_clients
        times = await asyncio.gather(*(self._client(stop, n) for n in parts))
        return np.concatenate([np.array(each) for each in times])

    async def _client(self, stop: float, n_most: int) -> list[float]:
        """One request after the other on one connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        request, times = request_bytes(), []
        while len(times) < n_most and (start := time.perf_counter()) < stop:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = head.lower().partition(b"content-length: ")[2].split()[0]
            await reader.readexactly(int(length))
            times.append(time.perf_counter() - start)
        writer.close()
        return times

    def megabytes(self) -> float:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


def request_bytes() -> bytes:
    rng = np.random.default_rng(0)
    row = rng.standard_normal(N_FEATURES).round(6).tolist()
    body = json.dumps({"samples": [row]}).encode()
    return (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )


def run(name: str) -> None:
    """Serve a contender until the process ends."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2_000, N_FEATURES))
    y = rng.integers(N_CLASSES, size=len(X))
    if name.startswith("lamina"):
        from lamina import DNNClassifier

        network: Any = DNNClassifier(
            hidden_layer_sizes=HIDDEN, max_iter=2, n_threads=1, random_state=0, **PLAIN
        )
    else:
        from sklearn.neural_network import MLPClassifier

        network = MLPClassifier(hidden_layer_sizes=HIDDEN, max_iter=2, random_state=0)
    with warnings.catch_warnings(action="ignore"):
        network.fit(X, y)
    if name == CONTENDERS[0]:
        from lamina.serving import serve

        serve(network, port=0)
    else:
        serve_bare(network)


def serve_bare(network: Any) -> None:
    """The handler that a user would write: the body is validated, and answers are lists."""
    import socket

    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Rows(BaseModel):
        samples: list[list[float]]

    app = FastAPI()

    @app.post("/predict")
    def predict(rows: Rows) -> dict[str, list]:
        X = np.array(rows.samples)
        probabilities = network.predict_proba(X)
        labels = network.classes_[probabilities.argmax(1)]
        return {
            "predictions": labels.tolist(),
            "labels": network.classes_.tolist(),
            "probabilities": probabilities.tolist(),
        }

    with socket.create_server(("127.0.0.1", 0)) as opened:
        # As `uvicorn.run` does for a host and a port.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"bare: http://127.0.0.1:{opened.getsockname()[1]}", flush=True)
        config = uvicorn.Config(app, log_level="warning", http="h11")
        uvicorn.Server(config).run(sockets=[opened])
