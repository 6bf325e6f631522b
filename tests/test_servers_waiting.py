"""Waiting for a server: a server that is gone, hangs or was never there is found out long before the timeout, and what is waited for is said."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from guerdon.acting.engines.server import Server
from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.cli import main
from guerdon.saying import listening
from guerdon.servers import watching as _watch
from guerdon.servers.connection import Connection

PATIENT = Connection(timeout=60.0, tries=2, backoff=0.01)  # a test that waited for it would be seen


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Looks and sentences follow each other fast."""
    monkeypatch.setattr(_watch, "LOOK", 0.2)
    monkeypatch.setattr(_watch, "SPEAK", (0.2, 0.6))
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < 20


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        code = self.server.health if self.path == "/health" else 200
        if code == 0:  # says nothing
            self.server.over.wait(30)
            return
        self.answer(code, {"data": [{"id": "small"}]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.set()
        self.server.over.wait(self.server.seconds)
        if not self.server.over.is_set():
            self.answer(200, {"fine": True})

    def answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextmanager
def serving(health=200, seconds=30.0):
    """A server that takes ``seconds`` for an answer, and says ``health`` of itself (0: nothing)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.health, server.seconds, server.over, server.asked = health, seconds, threading.Event(), threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def told_to_stop(server):
    """As servers do at SIGTERM: no new connections, and those that are there stay until they are done with."""
    server.asked.wait(10)
    server.socket.close()


def test_what_is_waited_for_is_said_and_a_slow_server_is_waited_for():
    said: list[str] = []
    with serving(seconds=1.5) as server, listening(said.append):
        assert Connection(timeout=60.0, patience=0.8)(f"{server.url}/v1/completions", {}) == {"fine": True}
    assert 2 <= len(said) <= 4 and "1 request open" in said[0] and "answers on a second connection" in said[-1] and server.url in said[0]


def test_a_server_that_holds_a_request_after_it_was_told_to_stop_is_left():
    with serving() as server:
        threading.Thread(target=told_to_stop, args=(server,)).start()
        with pytest.raises(RunFailed, match="gave no answer in 2 tries"):
            PATIENT(f"{server.url}/v1/completions", {})


def test_a_request_that_was_lost_is_asked_again_of_a_server_that_was_started_again():
    with serving() as server:
        port = server.server_port

        def again():
            told_to_stop(server)
            time.sleep(1.2)
            fresh = ThreadingHTTPServer(("127.0.0.1", port), Handler)
            fresh.health, fresh.seconds, fresh.over, fresh.asked = 200, 0.0, threading.Event(), threading.Event()
            threading.Thread(target=fresh.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
            kept.append(fresh)

        kept: list = []
        threading.Thread(target=again).start()
        assert Connection(timeout=60.0, tries=12, backoff=0.1)(f"{server.url}/v1/completions", {}) == {"fine": True}
        kept[0].shutdown()
        kept[0].server_close()


@pytest.mark.parametrize(("health", "reason"), [(0, "no answer"), (503, "GET /health says 503")])
def test_a_server_that_says_nothing_ends_the_run(health, reason):
    with serving(health) as server, pytest.raises(RunFailed, match=f"has said nothing for 1 s, .*{reason}.*: it hangs; start it again"):
        Connection(timeout=60.0, patience=1.0)(f"{server.url}/v1/completions", {})


def test_many_that_wait_ask_once_and_say_it_once():
    with serving(seconds=1.0) as server:
        looked, get = [], Handler.do_GET
        said: list[str] = []

        def counted(self):
            looked.append(self.path)
            get(self)

        Handler.do_GET = counted
        try:
            with listening(said.append), ThreadPoolExecutor(16) as pool:
                answers = list(pool.map(lambda _: PATIENT(f"{server.url}/v1/completions", {}), range(16)))
        finally:
            Handler.do_GET = get
    assert len(answers) == 16 and 0 < len(looked) <= 16 and len(said) <= 6 and "requests open" in said[0], (
        "by themselves they would have looked some eighty times"
    )


def test_a_server_that_is_not_there_is_refused_before_the_model_is_loaded(tmp_path, capfd):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a", "solution": "b"}\n')
    path = tmp_path / "run.yaml"
    url = f"http://127.0.0.1:{port}/v1"
    path.write_text(
        f"model: {tmp_path}/nowhere\ntask: {tmp_path}/rows.jsonl\nreward: string_match\n"
        f"recipe: {{base: grpo, sampler: {{engine: {{part: server, url: '{url}'}}}}}}\nrun: {tmp_path}/out\n"
    )
    for command in ("check", "train"):
        assert main([command, str(path)]) == 2
        assert f"nothing answers at {url}/models" in capfd.readouterr().err


def test_a_server_of_another_model_is_refused_at_a_look():
    with serving() as server, pytest.raises(InputError, match="does not serve it"):
        Server(f"{server.url}/v1", model="large").look()


def test_a_server_that_listens_and_says_nothing_is_refused_at_a_look(monkeypatch):
    monkeypatch.setattr("guerdon.servers.connection.SHORT", 0.5)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(InputError, match="takes the connection and says nothing"):
            Server(f"http://127.0.0.1:{mute.getsockname()[1]}/v1").look()
