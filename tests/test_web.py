"""What every server shares: who may ask, how much, by which name, and that what was begun is finished when it is asked to stop."""

import http.client
import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from guerdon.errors import InputError
from guerdon.interfaces.web import address, serve

pytest.importorskip("uvicorn")
APP = """
import asyncio, json, sys
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from guerdon.interfaces.web import address, serve

async def echo(request):
    return JSONResponse({"bytes": len(await request.body()), "who": request.state.who})

async def slow(request):
    print("begun", flush=True)
    await asyncio.sleep(1.0)
    return JSONResponse("done")

async def health(request):
    return JSONResponse("ok")

app = Starlette(routes=[Route("/", echo, methods=["POST", "GET"]), Route("/slow", slow), Route("/health", health)])
at = address("127.0.0.1", 0)
serve(app, at, json.loads(sys.argv[1]), 1000, lambda url: print(url, flush=True), frozenset({"/health"}))
"""


class Served:
    def __init__(self, tokens):
        self.process = subprocess.Popen([sys.executable, "-c", APP, json.dumps(tokens)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def ask(self, method="GET", path="/", body=None, chunked=False, host=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        if host:
            headers["Host"] = host
        connection.request(method, path, iter([body]) if chunked else body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        return answer.status, found

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def guarded():
    served = Served({"s3cret": "ann", "other": "bob"})
    yield served
    served.end()


def test_a_token_says_whose_it_is_and_without_one_nothing_is_answered_but_whether_the_server_lives(guarded):
    assert guarded.ask(Authorization="Bearer s3cret") == (200, {"bytes": 0, "who": "ann"})
    assert guarded.ask(Authorization="bearer other") == (200, {"bytes": 0, "who": "bob"})
    assert guarded.ask(Cookie="guerdon_token=other")[1]["who"] == "bob"
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "s3cret"},
        {"Cookie": "guerdon_token="},
    ):
        status, said = guarded.ask(**headers)
        assert status == 401 and "Authorization: Bearer TOKEN" in said["error"]["message"], headers
    assert guarded.ask(path="/health") == (200, "ok")


def test_what_is_too_large_is_refused_whether_or_not_it_says_how_large_it_is(guarded):
    token = {"Authorization": "Bearer s3cret"}
    assert guarded.ask("POST", body=b"x" * 1000, **token) == (200, {"bytes": 1000, "who": "ann"})
    status, said = guarded.ask("POST", body=b"x" * 1001, **token)
    assert status == 413 and "smaller parts" in said["error"]["message"]
    assert guarded.ask("POST", body=b"x" * 900, chunked=True, **token)[1]["bytes"] == 900
    connection = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=20)
    connection.request("POST", "/", iter([b"x" * 600, b"x" * 600]), token, encode_chunked=True)
    assert connection.getresponse().status == 413


def test_a_page_of_another_name_cannot_ask_what_listens_on_loopback(guarded):
    token = {"Authorization": "Bearer s3cret"}
    assert guarded.ask(host="evil.example", **token)[0] == 421
    assert guarded.ask(host=f"localhost:{guarded.port}", **token)[0] == 200


def test_what_was_begun_is_finished_when_it_is_asked_to_stop():
    served, found = Served({}), []
    asking = threading.Thread(target=lambda: found.append(served.ask(path="/slow")))
    asking.start()
    assert served.process.stdout.readline() == "begun\n"
    start = time.monotonic()
    served.end()
    asking.join()
    assert found == [(200, "done")] and time.monotonic() - start < 15
    with pytest.raises(OSError):
        served.ask()


def test_it_does_not_listen_where_it_cannot_or_where_everybody_could_ask():
    taken = address("127.0.0.1", 0)
    taken.bound.listen()
    with pytest.raises(InputError, match=rf"--port {taken.port}.*0 for a free one"):
        address("127.0.0.1", taken.port)
    with pytest.raises(InputError, match=r"no\.such\.host"):
        address("no.such.host.invalid", 0)
    everywhere = address("0.0.0.0", 0)
    with pytest.raises(InputError, match="give a token"):
        serve(None, everywhere, {}, 1000, print)
    assert taken.loopback and not everywhere.loopback and address("localhost", 0).loopback
