"""Opening connections to servers: whatever lies between here and a server, what is wrong is said, and nothing is asked or told where it was not meant to be."""

import json
import socket
import ssl
import threading
import urllib.error
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from guerdon.acting.engines._answers import read
from guerdon.acting.engines.server import Server
from guerdon.errors import InputError, RunFailed
from guerdon.servers.connection import Connection
from guerdon.servers.opening import opener_for

QUICK = Connection(timeout=5.0, tries=2, backoff=0.01)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        where = self.path.removeprefix("/")
        if where == "there":
            self.send(200, json.dumps({"key": self.headers.get("Authorization")}).encode())
        elif where in ("302", "307", "308"):
            self.send(int(where), b"", to="/there")
        elif where == "loop":
            self.send(302, b"", to="/loop")
        elif where == "elsewhere":
            self.send(302, b"", to=f"http://localhost:{self.server.server_port}/there")
        elif where.startswith("cut"):
            self.send(int(where[3:]), b'{"error": "a long st', claims=500)
        else:
            self.connection.sendall(ANSWERS[where])

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def send(self, code, body, to=None, claims=0):
        self.send_response(code)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Length", str(claims or len(body)))
        self.end_headers()
        self.wfile.write(body)
        if claims:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        pass


def plain(body):
    return b"HTTP/1.0 200 OK\r\n\r\n" + body


ANSWERS = {
    "words": plain(b"fine"),
    "latin": plain(b'{"a": "\xff"}'),
    "digits": plain(b'{"a": ' + b"9" * 5000 + b"}"),
    "deep": plain(b"[" * 100_000 + b"]" * 100_000),
    "none": b"\x16\x03\x01 what\r\n\r\n",
}


@contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def url():
    with serving() as url:
        yield url


@pytest.mark.parametrize("where", ["302", "307", "308", "elsewhere", "loop"])
def test_what_is_asked_is_not_asked_elsewhere_as_something_else(url, where):
    with pytest.raises(InputError, match=rf"/{where} sends what it is asked on to http.*: if that is the server, write it as url"):
        QUICK(f"{url}/{where}", {"prompt": [1]})


def test_a_key_stays_with_its_server(url, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    for where in ("302", "307", "308"):
        assert QUICK(f"{url}/{where}") == {"key": "Bearer secret"}
    with pytest.raises(InputError, match="elsewhere sends what it is asked on to http://localhost"):
        QUICK(f"{url}/elsewhere")
    with pytest.raises(InputError, match=r"refuses what it is asked \(302\)[^\n]*$"):
        QUICK(f"{url}/loop")


@pytest.mark.parametrize(
    ("where", "kind", "sentence"),
    [
        ("cut200", RunFailed, "in 2 tries, the last time it broke off in the middle of its answer"),
        ("cut503", RunFailed, "in 2 tries, the last time 503: Service Unavailable"),
        ("cut400", InputError, r"refuses what it is asked \(400\): Bad Request"),
        ("none", RunFailed, "in 2 tries, the last time it answers in no HTTP: .*what"),
    ],
)
@pytest.mark.parametrize("body", [None, {"a": 1}], ids=["get", "post"])
def test_answers_that_break_off(url, where, kind, sentence, body):
    with pytest.raises(kind, match=sentence):
        QUICK(f"{url}/{where}", body)


@pytest.mark.parametrize("where", ["words", "latin", "digits", "deep"])
def test_answers_that_cannot_be_read(url, where):
    with pytest.raises(InputError, match="does not answer in JSON"):
        QUICK(f"{url}/{where}")
    assert isinstance(QUICK(f"{url}/{where}", {"a": 1}), str), "some endpoints answer in words"


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "http://[::1:80/v1",
        "http://localhost:port/v1",
        "http://localhost:99999",
        "http:///v1",
        "http://a b/v1",
        "http://a\n/v1",
        "",
    ],
)
def test_an_address_that_is_none(url):
    with pytest.raises(InputError, match="begins with http:// or https:// and goes on with host and port"):
        Server(url)


@pytest.mark.parametrize("url", ["http://[::1]:8000/v1", "https://localhost", "http://0.0.0.0:8000/v1", "http://a.example/v1/"])
def test_an_address(url):
    assert Server(url).url == url


def test_no_proxy_reaches_this_machine(monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def proxied(url):
        return any("proxy" in type(handler).__name__.lower() and handler.proxies for handler in opener_for(url).handlers)

    assert not any(
        proxied(f"http://{host}/v1") for host in ("localhost:8", "LOCALHOST", "127.0.0.1", "127.8.8.8:80", "[::1]:80", "0.0.0.0:80", "[::]")
    )
    assert proxied("http://10.0.0.1/v1") and proxied("https://a.example/v1")
    with pytest.raises(InputError, match=r"not reached through the proxy http://127.0.0.1:1 of the environment .*set no_proxy=10.0.0.1"):
        Server("http://10.0.0.1/v1", connection=QUICK).look()


def test_a_server_without_tls_is_said(url):
    with pytest.raises(InputError, match=r"does not speak TLS.*if the server has none, url begins with http://"):
        Server(url.replace("http:", "https:"), connection=QUICK).look()


def test_a_certificate_that_nobody_trusts_is_said_and_not_tried_again(monkeypatch):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    tries = []

    def ask(self, url, body):
        tries.append(url)
        raise urllib.error.URLError(error)

    monkeypatch.setattr(Connection, "_ask", ask)
    said = r"certificate of https://a.example/v1.* is not trusted \(self-signed certificate\).*SSL_CERT_FILE"
    for call in (Server("https://a.example/v1").look, lambda: Connection()("https://a.example/v1/completions", {"a": 1})):
        with pytest.raises(InputError, match=said):
            call()
    assert len(tries) == 2


def test_log_probabilities_of_other_tokens_are_refused():
    told = {"tokens": ["token_id:3", "token_id:5"], "token_logprobs": [-1.0, -2.0]}
    assert read({"token_ids": [3, 5], "logprobs": told}, None, (), 4).tokens == [3, 5]
    with pytest.raises(InputError, match="sampled the token 4, and tells the log-probability of 'token_id:5' in its place"):
        read({"token_ids": [3, 4], "logprobs": told}, None, (), 4)
