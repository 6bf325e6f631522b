"""``guerdon check`` says how hard a task is for the model, which groups would teach nothing, and what follows from it."""

import json
import math
from pathlib import Path

import pytest
import torch

from guerdon.errors import InputError
from guerdon.feedback.running import Scored
from guerdon.interfaces.check import check, difficulty, proposing, sets
from guerdon.interfaces.check.difficulty import Asked, look
from guerdon.interfaces.check.teaching import Drawn, Judged, measured, silence
from guerdon.interfaces.cli import main
from guerdon.interfaces.cli._difficulty import shown
from guerdon.interfaces.configuration import load
from guerdon.interfaces.preparing import prepare
from guerdon.sequences import Sequences

RUN = """
model: {part: small_language_model, characters: "abcdefgh>", layers: 1, hidden: 16, heads: 2, context_length: 32}
task: {path: rows.jsonl, shuffle: false}
reward: rewards.py:coin
recipe: {base: grpo, sampler: {num_generations: 4}}
decoding: {max_completion_length: 4}
budget: {steps: 1, batch_size: 8}
"""
# A reward whose chance is the row's, whatever the model says.
COIN = """
import random


def coin(prompts, completions, chance):
    draw = random.Random(str(prompts[0]) + str(len(prompts)))
    return [float(draw.random() < c) for c in chance]


def shade(prompts, completions, answer):
    return [len(c) / 4 for c in completions]


def mute(prompts, completions):
    return [None for _ in completions]
"""


def drawn(rewards, lengths=None, ended=None, limit=8, prompt_tokens=10, right=None, temperature=1.0, components=None):
    """Completions with these rewards, a list for each prompt."""
    flat = torch.tensor([r for group in rewards for r in group], dtype=torch.float64)
    size = len(flat)
    length = torch.tensor(lengths or [4] * size)
    rollouts = Sequences(
        contexts=[torch.zeros(prompt_tokens, dtype=torch.long)] * len(rewards),
        context=torch.tensor([i for i, group in enumerate(rewards) for _ in group]),
        actions=torch.zeros(size, int(length.max()), dtype=torch.long),
        mask=torch.ones(size, int(length.max()), dtype=torch.bool),
        length=length,
        quantities={"terminated": torch.tensor(ended or [True] * size)},
        temperature=temperature,
    )
    right = (flat >= 1).double() if right is None else torch.tensor(right, dtype=torch.float64)
    scored = Scored({"only": flat} if components is None else components, flat.isnan(), [None] * size)
    found = Drawn(temperature, limit)
    found.add(list(range(len(rewards))), Judged(rollouts, flat, torch.where(flat.isnan(), torch.nan, right), scored))
    return found


# ---- what is told of groups


def test_with_two_values_of_a_reward_it_does_not_matter_which_they_are():
    some = [[1.0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 1, 0]]
    one, other = silence(drawn(some)), silence(drawn([[3 * r - 7 for r in group] for group in some]))
    assert all(one(size) == pytest.approx(other(size)) for size in (2, 4, 32))


def test_rewards_that_differ_by_rounding_are_alike():
    assert silence(drawn([[0.1 + 0.2, 0.3, 0.3, 0.3]] * 20))(4).value > 0.95
    assert silence(drawn([[0.2, 0.3, 0.4, 0.5]] * 20))(4).value < 0.2


def test_of_more_values_the_silence_is_that_of_each():
    """Rewards of 0, 1/2 and 1, each as often as the others whatever the prompt: 3 (1/3)^G."""
    draw = torch.Generator().manual_seed(0)
    some = (torch.randint(3, (200, 8), generator=draw) / 2).tolist()
    for size in (2, 4):
        found = silence(drawn(some))(size)
        assert found.low <= 3 ** (1 - size) <= found.high and found.value == pytest.approx(3 ** (1 - size), abs=0.05)


def test_what_could_not_be_rewarded_tells_nothing():
    nan = math.nan
    with_some = drawn([[1.0, 0, nan, nan], [nan] * 4, [0, 0, 0, 1]])
    without = drawn([[1.0, 0], [0, 0, 0, 1]])
    assert silence(with_some)(8) == pytest.approx(silence(without)(8))
    assert measured(with_some, 4)["failed"] == 6 and measured(with_some, 4)["judged"] == 6


def test_the_cost_of_a_group_that_teaches_is_its_tokens_by_the_share_that_does():
    at = measured(drawn([[1.0, 0, 1, 0]] * 50, prompt_tokens=10), 4)
    for size in ("4", "16"):
        cost, silent = at["tokens_for_one_that_teaches"][size], at["silent"][size]
        assert cost["value"] == pytest.approx((10 + int(size) * 4) / (1 - silent["value"])) and cost["low"] <= cost["value"] <= cost["high"]
    assert at["right"]["value"] == pytest.approx(0.5, abs=0.02)
    assert [step["prompts"] for step in at["histogram"]] == [0, 0, 50, 0, 0]


def test_nothing_that_might_teach_costs_any_number_of_tokens():
    cost = measured(drawn([[0.0] * 8] * 500), 8)["tokens_for_one_that_teaches"]["4"]
    assert cost["low"] > 1000 and cost["value"] < cost["high"]


def test_harder_tasks_get_larger_groups():
    draw = torch.Generator().manual_seed(1)
    sizes = []
    for rate in (0.5, 0.1, 0.02):
        some = (torch.rand(400, 8, generator=draw) < rate).double().tolist()
        sizes.append(proposing.size_of(measured(drawn(some, prompt_tokens=40), 8)))
    assert sizes == sorted(sizes) and sizes[0] == 4 and sizes[-1] >= 16


# ---- what is proposed


@pytest.fixture
def world(tmp_path, monkeypatch):
    """What is prepared of rows with these chances of a reward."""
    monkeypatch.chdir(tmp_path)
    Path("rewards.py").write_text(COIN)

    def of(chances, *overrides, **columns):
        rows = [{"prompt": f"{'abcdefgh'[i % 8]}{'abcdefgh'[i // 8 % 8]}>", "chance": c} for i, c in enumerate(chances)]
        rows = [{**row, **{name: values[i] for name, values in columns.items()}} for i, row in enumerate(rows)]
        Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        Path("run.yaml").write_text(RUN)
        return prepare(load(RUN, overrides), "improve")

    return of


def looked(prepared, asked=Asked(32)):
    warnings: list[str] = []
    return look(prepared, asked, warnings), warnings


def test_a_task_of_the_right_difficulty_is_not_doubtful(world):
    found, warnings = looked(world([0.5] * 40))
    (at,) = found["by_temperature"]
    assert warnings == [] and found["prompts"] == 32 and at["never"] + at["always"] + at["between"] == 32
    assert at["right"]["low"] < 0.5 < at["right"]["high"]
    (size,) = [one for one in found["proposals"] if one["setting"] == "recipe.sampler.num_generations"]
    assert (size["now"], size["value"]) == (4, 4)
    assert "keep recipe.sampler.num_generations=4" in shown(found)


@pytest.mark.parametrize(
    ("chance", "words"), [(0.0, "too hard for the model: 32 of 32 prompts"), (1.0, "too easy for the model: 32 of 32 prompts")]
)
def test_what_teaches_nothing_is_said_with_what_to_do(world, chance, words):
    _, (warning,) = looked(world([chance] * 40))
    assert words in warning and ("fine-tuning" in warning or "harder prompts" in warning)


def test_a_set_of_prompts_that_teaches_nothing_is_named(world):
    found, _ = looked(world([0.0] * 20 + [0.5] * 20, level=["hard"] * 20 + ["easy"] * 20), Asked(40))
    assert found["sets"][0]["set"] in ("chance: 0.0", "level: 'hard'")
    assert {one["set"] for one in found["sets"]} == {"chance: 0.0", "level: 'hard'"} and all(one["right"] == 0 for one in found["sets"])
    assert "teaches less: " in shown(found)


def test_columns_of_mappings_and_numbers_are_sets_as_well():
    rows = [{"prompt": "q", "answer": "a", "metadata": {"difficulty": {"digits": i % 2}, "n": i}} for i in range(30)]
    found = dict(sets._sets(rows, drawn([[0.0, 1.0]] * 30)))
    assert found["metadata.difficulty.digits: 1"] == list(range(1, 30, 2)) and found["metadata.n: up to 9.66667"] == list(range(10))


def test_where_only_the_form_varies_it_is_said(world):
    prepared = world(
        [0.0] * 40, "reward={right: string_match, form: 'rewards.py:shade2'}".replace("shade2", "coin"), answer=["zzz"] * 20 + ["zzz"] * 20
    )
    for row in prepared.rows:
        row["chance"] = 0.5
    _, warnings = looked(prepared)
    assert any("what is learned is mostly form" in warning for warning in warnings)


def test_the_temperature_with_the_cheapest_groups_is_proposed(world):
    prepared = world([0.5] * 4)
    cold, warm = (measured(drawn(some * 100, temperature=t, components={}), 4) for some, t in (([[0.0] * 8], 1.0), ([[0.0, 1.0] * 4], 1.3)))
    (temperature, *_) = proposing.propose(prepared, {"by_temperature": [cold, warm]}, [])
    assert (temperature["setting"], temperature["value"]) == ("decoding.temperature", 1.3)
    same = proposing.propose(prepared, {"by_temperature": [warm, {**warm, "temperature": 1.0}]}, [])
    assert not [one for one in same if one["setting"] == "decoding.temperature"]


@pytest.mark.parametrize(
    ("lengths", "ended", "value"),
    [
        ([2] * 80, [True] * 80, None),  # short, and nothing is to be saved
        ([8] * 80, [False] * 40 + [True] * 40, 16),  # right ones need it all, and half are cut off
        ([2] * 40 + [32] * 40, [True] * 40 + [False] * 40, 8),  # right ones are short, wrong ones ramble
    ],
)
def test_the_limit_of_lengths_is_what_right_completions_need(lengths, ended, value):
    limit = max(8, *lengths)
    found = drawn([[1.0] * 8] * 5 + [[0.0 if max(lengths) > 8 else 1.0] * 8] * 5, lengths, ended, limit=limit)
    proposals = proposing._limit(load(f"decoding: {{max_completion_length: {limit}}}").decoding, measured(found, 8))
    assert [one["value"] for one in proposals] == ([] if value is None else [value])


# ---- drawing


def test_more_prompts_include_those_of_before_and_the_seed_says_which(world):
    prepared = world([0.5] * 40)
    few, many = (looked(prepared, Asked(n))[0]["each"] for n in (8, 24))
    assert few == many[:8] and len({one["row"] for one in many}) == 24


def test_without_a_number_the_drawing_ends_by_time_and_says_so(world, monkeypatch):
    monkeypatch.setattr(difficulty, "SECONDS", 0.0)
    found, _ = looked(world([0.5] * 40), Asked())
    assert found["prompts"] == 8 and "--prompts" in found["stopped"] and found["stopped"] in shown(found)
    assert looked(world([0.5] * 40), Asked(16))[0]["prompts"] == 16


def test_ctrl_c_ends_the_drawing_and_what_there_is_counts(world):
    class Stops:
        def start(self, *_):
            pass

        def step(self, done, metrics):
            if done >= 16:
                raise KeyboardInterrupt

        def stop(self):
            pass

    found = look(world([0.5] * 40), Asked(40), [], Stops())
    assert found["prompts"] == 16 and found["stopped"] == "Ctrl-C"


def test_fewer_rows_than_asked_for_are_all_taken(world):
    assert looked(world([0.5] * 3), Asked(64))[0]["prompts"] == 3


def test_graded_rewards_and_a_reward_that_applies_to_nothing(world):
    found, _ = looked(world([0.5] * 20, "reward=rewards.py:shade", answer=["x"] * 20))
    (at,) = found["by_temperature"]
    assert at["values"] > 2 and "reward: mean" in shown(found)
    with pytest.raises(InputError, match=r"none applies to any of the \d+ prompts that were drawn"):
        looked(world([0.5] * 20, "reward=rewards.py:mute"))


@pytest.mark.parametrize(
    ("asked", "words"),
    [(Asked(4, 1), "--completions"), (Asked(4, 4, (0.0,)), "temperature: at 0"), (Asked(4, 4, (1.3, -1.0)), "temperature: at 0")],
)
def test_what_would_tell_nothing_is_refused(world, asked, words):
    with pytest.raises(InputError, match=words):
        looked(world([0.5] * 4), asked)


def test_a_stage_that_starts_from_another_is_not_measured_before_that_is_there(world):
    world([0.5] * 4)
    stages = "stages: {first: {loop: improve, recipe: grpo, budget: {steps: 1}}, then: {loop: improve, start: first, recipe: grpo, budget: {steps: 1}}}"
    text = RUN.replace("recipe: {base: grpo, sampler: {num_generations: 4}}\n", stages + "\n")
    first, then = check(load(text), asked=Asked(2))
    assert "difficulty" in first.found and "difficulty" not in then.found and then.found["not_yet"] == "first"


def test_the_command(world, capsys):
    world([0.5] * 40)
    assert main(["check", "run.yaml", "--prompts", "8", "--completions", "4", "--temperatures", "0.7,1.3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[0]["found"]["difficulty"]
    assert [at["temperature"] for at in found["by_temperature"]] == [0.7, 1.0, 1.3] and found["completions"] == 4 and found["prompts"] == 8
    assert main(["check", "run.yaml", "--temperatures", "warm"]) == 2
    assert "no list of numbers" in capsys.readouterr().err
    assert main(["check", "run.yaml", "--prompts", "8"]) == 0
    out = capsys.readouterr().out
    assert "whose rewards are all alike" in out and "8/8" in out and "--prompts 32" in out


def test_what_a_policy_says_of_itself_is_part_of_the_reward(world):
    found, _ = looked(world([0.5] * 20, "reward={sure: negative_entropy}"))
    assert found["by_temperature"][0]["values"] > 2 and set(found["by_temperature"][0]["silent_by_component"]) >= {"sure"}


def test_a_temperature_and_weights_that_move_are_what_they_begin_as(world):
    moving = "recipe={base: grpo, temperature: {part: linear, start: 1.4, end: 0.7}}"
    found, _ = looked(world([0.5] * 20, moving))
    assert [at["temperature"] for at in found["by_temperature"]] == [1.4]
