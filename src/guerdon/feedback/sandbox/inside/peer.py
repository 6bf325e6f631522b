"""Peer: one of two processes that ask each other for the values of calls, without sharing an object.

    {"ask": "call", "of": object, "a": arguments, "k": named ones}      ->  {"v": value, "m": [[place, argument as it is now], ...]}
    {"ask": "get", "of": object, "name": attribute}                         or {"e": [type, nearest built-in type, what it says]}
    {"ask": "set", "of": object, "name": attribute, "a": [value]}
    {"ask": "do", "of": object, "name": special method, "a": arguments}
    {"ask": "is", "of": class, "a": [object]}

Values are plain (``plain``); other objects stay where they are and are numbered. Lists, sets and dictionaries that the called function changed are
changed on the caller's side as well. While one waits for an answer it answers what it is asked.
"""

import builtins
import os
from collections import deque
from types import ModuleType
from typing import Any

from plain import decoded, encoded, packed, unpacked

LONGEST = 4 * 2**20  # bytes of a message
_SPECIAL = (
    "iter", "next", "len", "getitem", "setitem", "delitem", "contains", "str", "bool", "enter", "exit", "add", "sub", "mul", "truediv", "floordiv",
    "mod", "pow", "neg", "abs", "radd", "rmul", "rsub", "matmul", "and", "or", "xor", "reversed", "float", "int", "index", "round",
)  # fmt: skip
_JUDGING = ("__sub__", "__rsub__", "__xor__", "__and__", "__or__", "__mod__", "__contains__")  # with which a value is compared to another
_PREDICATES = ("startswith", "endswith", "issubset", "issuperset", "isdisjoint")  # of built-in types, which the other side's own is not
_LENT = ("__iter__", "__next__", "__len__", "__getitem__", "__contains__")  # what may be done to an object of the side that examines


class Gone(Exception):
    """The other side has ended, or does not keep to what was agreed."""


class Unequal(Exception):
    """What is expected was to be handed to an object of the other side, or two of its objects compared, whose methods would then be the judge."""


class Peer:
    """One side. ``lends`` is what it keeps: the first is what the other side begins with. With ``guarded`` its objects can be called, and no more."""

    def __init__(self, read: int, write: int, guarded: bool, first: Any = None) -> None:
        self._read, self._write, self._guarded = read, write, guarded
        self._kept: list[Any] = [first]
        self._number: dict[int, int] = {}
        self._buffer = b""
        self.errors: dict[str, type[Exception]] = {}  # classes of errors of the other side, as they are raised here

    # -- asking

    def ask(self, what: str, of: int, name: str = "", arguments: tuple = (), named: dict | None = None) -> Any:
        sent = [self._encoded(value) for value in arguments]
        self._send(
            {"ask": what, "of": of, "name": name, "a": sent, "k": {key: self._encoded(value) for key, value in (named or {}).items()}}
        )
        while True:
            message = self._receive()
            if "ask" in message:
                self._send(self._answer(message))
            elif "e" in message:
                error = self._error(message["e"])
                ends = isinstance(error, StopIteration | StopAsyncIteration) and name != "__next__"  # it would end a loop of the tests
                raise RuntimeError("StopIteration was raised") if ends else error
            else:
                for place, value in message.get("m", ()):
                    _become(arguments[place], self._decoded(value))
                return self._decoded(message.get("v"))

    def serve(self) -> None:
        """Answer until the other side has ended."""
        while True:
            self._send(self._answer(self._receive()))

    # -- answering

    def _answer(self, message: dict) -> dict:
        try:
            place = message["of"]
            target = self._kept[place]
            arguments = [self._decoded(value) for value in message.get("a", ())]
            named = {key: self._decoded(value) for key, value in message.get("k", {}).items()}
            value = self._done(message["ask"], target, message.get("name", ""), arguments, named)
            changed = []
            for number, (before, argument) in enumerate(zip(message.get("a", ()), arguments, strict=True)):
                if isinstance(argument, list | set | dict | deque) and (now := self._encoded(argument)) != before:
                    changed.append([number, now])
            return {"v": self._encoded(value)} | ({"m": changed} if changed else {})
        except Gone:
            raise
        except Exception as error:
            return {"e": _described(error)}

    def _done(self, what: str, target: Any, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        if self._guarded and not (what == "call" or (what == "do" and name in _LENT)):
            raise AttributeError("this object can be called, and no more")
        if what == "call":
            return target(*arguments, **named)
        if what == "get":
            return getattr(target, name)
        if what == "set":
            return setattr(target, name, arguments[0])
        if what == "is":
            return isinstance(arguments[0], target) if isinstance(target, type) else False
        if what == "names":
            return names_of(target)
        if name == "__bool__":
            return bool(target)
        if name == "__str__":
            return str(target)
        method = getattr(type(target), name, None)
        if method is None:
            raise TypeError(f"an object of type {type(target).__name__} has no {name}")
        return method(target, *arguments)

    # -- passing

    def _keep(self, value: Any) -> int:
        if isinstance(value, Remote):
            return -1 - object.__getattribute__(value, "_number")
        if id(value) not in self._number:
            self._number[id(value)] = len(self._kept)
            self._kept.append(value)  # which keeps its id from being given to another
        return self._number[id(value)]

    def _encoded(self, value: Any) -> Any:
        return encoded(value, self._keep)

    def _decoded(self, value: Any) -> Any:
        return decoded(value, self._shown)

    def _shown(self, number: int, kind: str) -> Any:
        if number >= 0:
            return Remote(self, number, kind)
        return self._kept[-1 - number]

    def _error(self, described: Any) -> Exception:
        name, nearest, told = (str(word) for word in described)
        kind = self.errors.get(name) or getattr(builtins, nearest, None)
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            kind = RuntimeError
        try:
            return kind(told)
        except Exception:
            return RuntimeError(told)

    def _send(self, message: dict) -> None:
        data = packed(message)
        if len(data) > LONGEST:
            raise Gone("a value is too large to be passed on")
        try:
            while data:
                data = data[os.write(self._write, data) :]
        except OSError as error:
            raise Gone("the program has ended") from error

    def _receive(self) -> dict:
        while b"\n" not in self._buffer:
            if len(self._buffer) > LONGEST:
                raise Gone("a value is too large to be passed on")
            try:
                more = os.read(self._read, 1 << 16)
            except OSError:
                more = b""
            if not more:
                raise Gone("the program has ended")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message = unpacked(line)
        except ValueError as error:
            raise Gone("what was answered is no message") from error
        if type(message) is not dict:
            raise Gone("what was answered is no message")
        return message


class Remote:
    """An object of the other side."""

    def __init__(self, peer: Peer, number: int, kind: str) -> None:
        for name, value in (("_peer", peer), ("_number", number), ("_kind", kind)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name in _PREDICATES:
            raise Unequal(f"{name} is asked of an object of the program, which is no {'set' if name.startswith('is') else 'text'}")
        return self._peer.ask("get", self._number, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._peer.ask("set", self._number, name, (value,))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._peer.ask("call", self._number, arguments=arguments, named=named)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, Remote) and self._peer.ask("is", self._number, arguments=(value,)) is True

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, Remote) and self._number != other._number:
            raise Unequal("two objects of the program are compared, which only the program could do: compare what they hold")
        return isinstance(other, Remote)

    def __ne__(self, other: Any) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        return f"<{self._kind} of the program>"


def _special(name: str) -> Any:
    def method(self: Remote, *arguments: Any) -> Any:
        if name in _JUDGING and not all(isinstance(argument, Remote) for argument in arguments):
            raise Unequal("an object of the program was to be compared with a value, by a method of its own")
        return self._peer.ask("do", self._number, name, arguments)

    return method


for _name in _SPECIAL:
    setattr(Remote, f"__{_name}__", _special(f"__{_name}__"))


def names_of(module: ModuleType) -> dict[str, str]:
    """What a program defines, and of its errors the built-in ones that they are nearest to."""
    found = {}
    for name, value in list(vars(module).items()):
        if not name.startswith("__"):
            error = isinstance(value, type) and issubclass(value, Exception)
            found[name] = _nearest(value) if error else ""
    return found


def _nearest(kind: type) -> str:
    return next((base.__name__ for base in kind.__mro__ if base.__module__ == "builtins"), "Exception")


def _described(error: BaseException) -> list[str]:
    try:
        told = str(error.args[0]) if error.args and isinstance(error, KeyError) else str(error)
    except Exception:
        told = ""
    return [type(error).__name__, _nearest(type(error)), told[:2000]]


def _become(old: Any, new: Any) -> None:
    """Give a collection the content of another."""
    if type(old) is not type(new):
        return
    if isinstance(old, list):
        old[:] = new
    elif isinstance(old, set | dict | deque):
        old.clear()
        old.update(new) if not isinstance(old, deque) else old.extend(new)
