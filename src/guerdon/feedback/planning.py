"""Planning: STRIPS domains and problems in PDDL, and what becomes of a state when a plan is carried out.

What is read: types, constants, preconditions of atoms, ``=``, ``and``, ``or``, ``not``, ``imply``; effects of atoms, ``and``, ``not``; costs are passed over. What is not
(quantifiers, conditional effects, durations) is refused, since a plan that was judged without them would be judged wrongly.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from guerdon.errors import InputError

_TOKEN = re.compile(r"[()]|[^\s()]+")
_STEP = re.compile(r"^[\s\d.:*-]*\(?\s*([\w-]+)((?:[\s,(]+[\w-]+)*)\s*\)?\s*\)?(?:\s*;.*)?\s*$")
_MOST = 10_000  # steps of a plan
State = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Action:
    """What may be done: parameters with their types, a condition, and what is added and removed."""

    parameters: tuple[tuple[str, str], ...]
    condition: Any
    adds: tuple[tuple[str, ...], ...]
    removes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Problem:
    """What there is at first, and what is to hold at the end."""

    actions: Mapping[str, Action]
    kinds: Mapping[str, frozenset[str]] = field(repr=False)  # of each object, its types
    first: State
    goal: Any


@lru_cache(maxsize=1024)
def problem(domain: str, text: str) -> Problem:
    """A problem of a domain.

    Raises:
        InputError: one of them cannot be read, or says what is not known here.
    """
    try:
        world, own = _parts(_tree(domain)), _parts(_tree(text))
        above = dict(_typed(world.get(":types", [])))
        objects = [*_typed(world.get(":constants", [])), *_typed(own.get(":objects", []))]
        kinds = {name: frozenset(_ancestors(kind, above)) for name, kind in objects}
        actions = {one[1]: _action(one[2:]) for one in world["actions"]}
        first = frozenset(tuple(atom) for atom in own.get(":init", []) if atom[0] != "=")
        (goal,) = own[":goal"]
        _check(goal)
        return Problem(actions, kinds, first, goal)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"a planning problem cannot be read as STRIPS in PDDL: {error or 'it is nested too deeply'}") from error


def steps(text: str) -> list[tuple[str, ...]] | None:
    """The steps of a plan, one a line: "(stack a b)", "stack a b", "1. stack(a, b)"; None where a line is none."""
    found = []
    for line in text.lower().splitlines():
        line = line.strip()
        if not line or line.startswith(";"):
            continue
        step = _STEP.match(line) if len(line) < 1000 else None
        if step is None or len(found) >= _MOST:
            return None
        found.append((step.group(1), *re.findall(r"[\w-]+", step.group(2))))
    return found


def after(own: Problem, plan: list[tuple[str, ...]]) -> State | None:
    """The state after a plan; None where a step cannot be taken."""
    state = own.first
    for name, *objects in plan:
        action = own.actions.get(name)
        if action is None or len(objects) != len(action.parameters):
            return None
        if not all(kind in own.kinds.get(one, ()) for one, (_, kind) in zip(objects, action.parameters, strict=True)):
            return None
        bound = dict(zip((parameter for parameter, _ in action.parameters), objects, strict=True))
        if not holds(action.condition, state, bound):
            return None
        state = (state - {_bound(atom, bound) for atom in action.removes}) | {_bound(atom, bound) for atom in action.adds}
    return state


def holds(condition: Any, state: State, bound: Mapping[str, str]) -> bool:
    """Whether a condition holds in a state."""
    if not condition:
        return True
    word, *rest = condition
    if word == "and":
        return all(holds(one, state, bound) for one in rest)
    if word == "or":
        return any(holds(one, state, bound) for one in rest)
    if word == "not":
        return not holds(rest[0], state, bound)
    if word == "imply":
        return not holds(rest[0], state, bound) or holds(rest[1], state, bound)
    if word == "=":
        return bound.get(rest[0], rest[0]) == bound.get(rest[1], rest[1])
    return _bound(tuple(condition), bound) in state


def _bound(atom: tuple[str, ...], bound: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(bound.get(word, word) for word in atom)


def _tree(text: str) -> list[Any]:
    stack: list[list[Any]] = [[]]
    for token in _TOKEN.findall(re.sub(r";[^\n]*", "", text).lower()):
        if token == "(":
            stack.append([])
        elif token == ")":
            inner = stack.pop()
            stack[-1].append(inner)
        else:
            stack[-1].append(token)
    if len(stack) != 1 or len(stack[0]) != 1 or stack[0][0][0] != "define":
        raise ValueError("it is no (define ...) whose brackets are closed")
    return stack[0][0]


def _parts(tree: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"actions": []}
    for part in tree[1:]:
        if part[0] == ":action":
            found["actions"].append(part)
        elif part[0] in (":durative-action", ":derived", ":constraints"):
            raise ValueError(f"{part[0]} is not known")
        else:
            found[part[0]] = part[1:]
    return found


def _typed(words: list[Any]) -> list[tuple[str, str]]:
    """Names with their types, as in "a b - block c"."""
    found: list[tuple[str, str]] = []
    waiting: list[str] = []
    place = 0
    while place < len(words):
        if words[place] == "-":
            if not isinstance(words[place + 1], str):
                raise ValueError("(either ...) is not known")
            found += [(name, words[place + 1]) for name in waiting]
            waiting, place = [], place + 2
        else:
            waiting.append(words[place])
            place += 1
    return found + [(name, "object") for name in waiting]


def _ancestors(kind: str, above: Mapping[str, str]) -> list[str]:
    found = [kind, "object"]
    while kind in above and above[kind] not in found[:1] and len(found) < 100:
        kind = above[kind]
        found.append(kind)
    return found


def _action(parts: list[Any]) -> Action:
    named = dict(zip(parts[::2], parts[1::2], strict=True))
    condition = named.get(":precondition", [])
    _check(condition)
    adds: list[tuple[str, ...]] = []
    removes: list[tuple[str, ...]] = []
    effect = named[":effect"]
    for one in effect[1:] if effect and effect[0] == "and" else [effect]:
        if one[0] in ("when", "forall"):
            raise ValueError(f"an effect with {one[0]} is not known")
        if one[0] == "not":
            removes.append(tuple(one[1]))
        elif one[0] not in ("increase", "decrease", "assign"):
            adds.append(tuple(one))
    return Action(tuple(_typed(named.get(":parameters", []))), condition, tuple(adds), tuple(removes))


def _check(condition: Any) -> None:
    if condition and condition[0] in ("and", "or", "not", "imply"):
        for one in condition[1:]:
            _check(one)
    elif condition and (condition[0] in ("forall", "exists", ">", "<", ">=", "<=") or not all(isinstance(word, str) for word in condition)):
        raise ValueError(f"a condition with {condition[0]} is not known")
