"""A server that speaks OpenEnv's protocol of version 0.3 (``core/env_server/http_server.py``): one environment for each
connection, which repeats what it is told, and one of MCP tools.
"""

import json
import threading
from contextlib import contextmanager

from websockets.sync.server import serve


def _observation(observation, reward=None, done=False):
    return {"type": "observation", "data": {"observation": observation, "reward": reward, "done": done}}


def _error(message, code):
    return {"type": "error", "data": {"message": message, "code": code}}


class Echo:
    def answer(self, kind, data):
        if kind == "reset":
            self.left = data.get("turns", 2)
            return _observation({"echoed_message": f"ready, seed {data['seed']}", "message_length": 0})
        if set(data) != {"message"}:
            return _error("1 validation error for EchoAction: message, field required", "VALIDATION_ERROR")
        if data["message"] == "hang":
            threading.Event().wait(3)
        if data["message"] == "break":
            return _error("the environment broke", "EXECUTION_ERROR")
        self.left -= 1
        return _observation({"echoed_message": data["message"], "message_length": len(data["message"])}, 0.1, self.left == 0)


class Tools:
    def answer(self, kind, data):
        if kind == "reset":
            return _observation({"message": "use the tools"})
        if data.get("type") == "list_tools":
            schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
            return _observation({"tools": [{"name": "add", "description": "Adds.", "input_schema": schema}]})
        if data.get("tool_name") != "add":
            return _observation(
                {"tool_name": data.get("tool_name"), "result": None, "error": {"error_type": "tool_not_found", "message": "no such tool"}}
            )
        total = data["arguments"]["a"] + data["arguments"]["b"]
        return _observation(
            {"tool_name": "add", "result": {"content": [{"type": "text", "text": str(total)}], "data": total}, "error": None}, 0.5
        )


@contextmanager
def served(environment):
    """A server on a free port of this machine; its url."""

    def handle(connection):
        own = environment()
        for message in connection:
            told = json.loads(message)
            if told["type"] == "close":
                return
            connection.send(json.dumps(own.answer(told["type"], told.get("data", {}))))

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join(5)
