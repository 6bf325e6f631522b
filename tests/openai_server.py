"""A server of the tests that plays an OpenAI chat endpoint: a real one, over HTTP, that answers as it is told and notes what it was asked."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Played:
    """What is asked of it: ``seen``, the bodies; ``keys``, the headers with a key. ``answers`` are given in turn, the last again and again: a text, a status, (status,
    headers), a function of the body that gives any of these, or bytes as they are."""

    def __init__(self, answers: tuple[Any, ...]):
        self.answers, self.seen, self.keys, self.lock, self.url = answers, [], [], threading.Lock(), ""

    def next(self, body: dict[str, Any], key: str | None) -> Any:
        with self.lock:
            self.seen.append(body)
            self.keys.append(key)
            answer = self.answers[min(len(self.seen), len(self.answers)) - 1]
        return answer(body) if isinstance(answer, Callable) else answer


def completion(text: str, read: int = 10, written: int = 5, **choice: Any) -> dict[str, Any]:
    found = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}, **choice}
    return {"choices": [found], "usage": {"prompt_tokens": read, "completion_tokens": written}}


@contextlib.contextmanager
def playing(*answers: Any) -> Iterator[Played]:
    played = Played(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = played.next(body, self.headers.get("Authorization"))
            status, headers = 200, {}
            if isinstance(answer, int):
                answer = (answer, {})
            if isinstance(answer, tuple):
                (status, headers), answer = answer, {"error": {"message": "not now"}}
            if isinstance(answer, Exception):
                status, answer = 400, {"error": {"message": str(answer)}}
            if isinstance(answer, str):
                answer = completion(answer)
            text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    played.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield played
    finally:
        server.shutdown()
        server.server_close()
