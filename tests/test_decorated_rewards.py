"""Rewards behind decorators are recognised by what they wrap; one whose decorator hides its arguments is refused in a sentence."""

import functools

import pytest

from guerdon.errors import InputError
from guerdon.feedback.adapters import adapt


def wrapping(function):
    @functools.wraps(function)
    def inner(*arguments, **named):
        return function(*arguments, **named)

    return inner


def hiding(function):
    def inner(*arguments, **named):
        return function(*arguments, **named)

    return inner


class Counting:
    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function, self.calls = function, 0

    def __call__(self, *arguments, **named):
        self.calls += 1
        return self.function(*arguments, **named)


def verl(data_source, solution_str, ground_truth, extra_info=None):
    return float(solution_str == ground_truth)


def verifiers(completion, answer):
    return float(completion == answer)


def trl(prompts, completions, answer, **columns):
    return [float(c == a) for c, a in zip(completions, answer, strict=True)]


@pytest.mark.parametrize(("function", "kind"), [(verl, "verl"), (verifiers, "verifiers"), (trl, "trl")])
@pytest.mark.parametrize(
    "decorator", [wrapping, Counting, lambda f: wrapping(Counting(f)), functools.partial], ids=["wraps", "class", "both", "partial"]
)
def test_a_decorated_reward_is_what_it_wraps(function, kind, decorator):
    reward = adapt(decorator(function))
    assert reward.kind == kind and reward(["p", "p"], ["x", "y"], answer=["x", "x"]) == [1.0, 0.0]
    assert reward.missing([]) and not reward.missing(["answer"])


def test_a_cached_reward_is_computed_once():
    calls = []

    @functools.lru_cache
    def slow(completion, answer):
        calls.append(completion)
        return float(completion == answer)

    assert adapt(slow)(["p"] * 3, ["x", "x", "y"], answer=["x"] * 3) == [1.0, 1.0, 0.0] and calls == ["x", "y"]


def test_a_decorator_that_hides_the_arguments_is_refused():
    with pytest.raises(InputError, match="the signature of the reward inner"):
        adapt(hiding(verifiers))
