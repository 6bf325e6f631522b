"""Reward functions of other trainers run unchanged, are told apart by their argument names, and are found by text."""

import asyncio
import functools

import pytest
from trl.rewards import get_soft_overlong_punishment, think_format_reward

from guerdon.errors import InputError
from guerdon.feedback.adapters import adapt, name_of
from guerdon.feedback.loading import load
from guerdon.feedback.rewards.length import Length
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.verl import as_verl

PROMPTS, COMPLETIONS = ["p", "p", "q"], ["1", "22", "3"]


def trl(prompts, completions, answer, **columns):
    return [float(c == a) for c, a in zip(completions, answer, strict=True)]


def trl_without_columns(completions):
    return [float(len(c)) for c in completions]


def verl(data_source, solution_str, ground_truth, extra_info=None):
    return {"score": float(solution_str == ground_truth) + 10 * (extra_info or {}).get("bonus", 0)}


def verl_plain(solution_str, ground_truth, **rest):
    assert not rest
    return solution_str == ground_truth


def verifiers(completion, answer, info, state, task):
    assert state["completion"] == completion and state["answer"] == answer and state["info"] == info and task == "default"
    return float(completion == answer) + 10 * info.get("bonus", 0)


def verifiers_group(completions, answers):
    longest = max(map(len, completions))
    return [float(len(c) == longest) for c in completions]


class Object:
    def __call__(self, prompts, completions, **columns):
        return [1.0] * len(completions)

    def method(self, completion):
        return 2.0


async def later(completion, answer):
    await asyncio.sleep(0)
    return float(completion == answer)


@pytest.mark.parametrize(
    ("function", "kind", "returns"),
    [
        (trl, "trl", [1.0, 0.0, 1.0]),
        (trl_without_columns, "trl", [1.0, 2.0, 1.0]),
        (verl, "verl", [1.0, 0.0, 11.0]),
        (verl_plain, "verl", [True, False, True]),
        (verifiers, "verifiers", [1.0, 0.0, 11.0]),
        (verifiers_group, "verifiers group", [0.0, 1.0, 1.0]),
        (Object(), "trl", [1.0] * 3),
        (Object().method, "verifiers", [2.0] * 3),
        (functools.partial(trl, answer=["1", "22", "4"]), "trl", [1.0, 0.0, 1.0]),
        (NumberMatch(), "trl", [1.0, 0.0, 1.0]),
    ],
    ids=lambda x: getattr(x, "__name__", type(x).__name__),
)
def test_each_signature_is_recognised_and_called_as_its_trainer_would(function, kind, returns):
    reward = adapt(function)
    columns = {"answer": ["1", "2", "3"], "extra_info": [{}, None, '{"bonus": 1}'], "info": [{}, "{}", '{"bonus": 1}']}
    assert reward.kind == kind and not reward.asynchronous
    assert reward(PROMPTS, COMPLETIONS, **columns) == returns


def test_async_functions_give_an_awaitable_of_the_list():
    reward = adapt(later)
    assert reward.asynchronous and adapt(functools.partial(later, answer="1")).asynchronous
    assert asyncio.run(reward(PROMPTS, COMPLETIONS, answer=["1", "2", "3"])) == [1.0, 0.0, 1.0]


def test_groups_are_those_of_the_column_or_else_of_the_prompt():
    columns = {"answer": [""] * 3, "group": [0, 1, 1]}
    assert adapt(verifiers_group)(PROMPTS, COMPLETIONS, **columns) == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("columns", "returns"),
    [
        ({"answer": ["1"]}, 1.0),
        ({"ground_truth": ["1"], "answer": ["2"]}, 1.0),
        ({"reward_model": [{"style": "rule", "ground_truth": "1"}], "answer": ["2"]}, 1.0),
        ({"reward_model": ['{"ground_truth": "1"}']}, 1.0),
    ],
)
def test_where_the_ground_truth_of_verl_may_stand(columns, returns):
    assert adapt(verl_plain)(["p"], ["1"], **columns) == [returns]
    assert adapt(verl_plain).missing(columns) == []


def test_messages_reach_verl_as_text_and_verifiers_as_they_are():
    said = [{"role": "assistant", "content": "1"}]
    assert adapt(verl_plain)(["p"], [said], ground_truth=["1"]) == [True]
    assert adapt(lambda completion: completion[-1]["content"])(["p"], [said]) == ["1"]


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda text: 1.0, "is none of"),
        (lambda *a, **k: 1.0, "is none of"),
        (lambda completion, completions: 1.0, "may be meant for verifiers or trl: say which by kind="),
        (lambda solution_str, ground_truth, completions: 1.0, "may be meant for verl or trl"),
        (3, "a reward is a function"),
        (Object, "a reward is a function"),
    ],
)
def test_what_cannot_be_told_is_refused(function, says):
    with pytest.raises(InputError, match=says):
        adapt(function)


def test_a_kind_that_is_said_decides():
    assert adapt(lambda **columns: [float(len(c)) for c in columns["completions"]], kind="trl")(PROMPTS, COMPLETIONS) == [1.0, 2.0, 1.0]
    with pytest.raises(InputError, match="did you mean verl"):
        adapt(trl, kind="verll")


@pytest.mark.parametrize(
    ("function", "needs"), [(trl, ["answer"]), (verl, ["ground_truth"]), (verifiers, ["answer"]), (verifiers_group, ["answer"])]
)
def test_missing_columns_are_known_before_anything_is_called(function, needs):
    assert adapt(function).missing([]) == needs
    with pytest.raises(InputError, match=f"asks for the column '{needs[0]}', and the data have no columns"):
        adapt(function)(PROMPTS, COMPLETIONS)


def test_wrong_counts_are_refused():
    with pytest.raises(InputError, match="returned 1 values for 3 completions"):
        adapt(lambda completions: [1.0])(PROMPTS, COMPLETIONS)


def test_functions_of_trl_itself_run_and_agree_with_ours():
    ids = [[0] * n for n in (5, 8, 9, 20)]
    theirs = adapt(get_soft_overlong_punishment(10, 4))
    assert theirs.kind == "trl"
    assert theirs(["q"] * 4, ["a"] * 4, completion_ids=ids) == Length(max_length=10, cache=4)(["q"] * 4, ["a"] * 4, completion_ids=ids)
    said = [[{"role": "assistant", "content": "<think>\nhm\n</think>\n4"}]]
    assert adapt(think_format_reward)(["q"], said) == [1.0]


def test_as_verl_gives_their_signature():
    compute_score = as_verl(NumberMatch())
    assert compute_score("gsm8k", "it is 72", "so #### 72", {"split": "test"}) == {"score": 1.0, "applies": 1.0}
    assert compute_score("gsm8k", "it is 72", "no number") == {"score": 0.0, "applies": 0.0}
    assert adapt(compute_score).kind == "verl"
    assert adapt(compute_score)(["p"], ["72"], ground_truth=["72"]) == [1.0]
    with pytest.raises(InputError, match="async"):
        as_verl(later)("", "1", "1")


def test_loading_by_text(tmp_path):
    (tmp_path / "mine.py").write_text(
        "class Scores:\n    @staticmethod\n    def exact(completion, answer): return 1.0\ndef exact_match(completion): return 2.0\n"
    )
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "needs.py").write_text("import a_package_that_is_not_there\n")
    place = str(tmp_path / "mine.py")
    assert adapt(f"{place}:exact_match")(["p"], ["c"]) == [2.0]
    assert load(f"{place}:Scores.exact")("", "") == 1.0
    assert adapt("trl.rewards:think_format_reward").kind == "trl"
    for spec, says in [
        (f"{place}:exact_mach", "did you mean exact_match"),
        (f"{tmp_path / 'mime.py'}:f", "did you mean mine.py"),
        ("no_such_package.rewards:f", "there is no module no_such_package.rewards"),
        ("guerdon.feedback.rewads:f", "there is no module guerdon.feedback.rewads"),
        (f"{tmp_path / 'broken.py'}:f", "ZeroDivisionError"),
        (f"{tmp_path / 'needs.py'}:f", "a_package_that_is_not_there"),
        ("just_a_name", "is loaded by"),
        (f"{tmp_path / 'absent' / 'x.py'}:f", "there is no file"),
    ]:
        with pytest.raises(InputError, match=says):
            adapt(spec)


def test_names_in_messages():
    assert name_of(trl) == "trl" and name_of(functools.partial(trl)) == "trl"
    assert name_of(NumberMatch(marker="####")) == "NumberMatch(marker='####')"
    assert name_of(Object()) == "Object"
