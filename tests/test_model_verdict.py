"""A model that is asked whether a completion says what the reference says: its probability, what it is shown, and what it is asked of what a rule rejects."""

import json
import math
import pickle
from dataclasses import dataclass, field

import pytest
import torch

from guerdon.errors import InputError
from guerdon.feedback.rewards.math_equivalence import MathEquivalence
from guerdon.feedback.rewards.model_verdict import ModelVerdict
from guerdon.feedback.rewards.rescued import Rescued
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.running import RewardRunner
from guerdon.interfaces.cli import main
from guerdon.models.language.asking import log_probabilities
from guerdon.models.language.small_language_model import SmallLanguageModel

SMALL = SmallLanguageModel(
    layers=1, hidden=16, heads=2, context_length=400, characters="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:?'|>\n"
)


@dataclass
class Listening:
    """Says what it is told to, and remembers what it was asked."""

    odds: float = 1.0
    heard: list[str] = field(default_factory=list)

    def likely(self, questions, words):
        self.heard += questions
        return [[math.log(self.odds), 0.0] for _ in questions]


def test_the_probability_is_that_of_the_words_after_the_question():
    """Against the logits of one question and one word after the other, without batches, padding or shared contexts."""
    policy = SMALL.build(0)
    questions, words = ["ab?", "a longer question: is it so?\n"], ("Yes", "No", "Maybe")
    found = log_probabilities(policy, questions, words, rows_at_once=1)
    assert torch.allclose(found, log_probabilities(policy, questions, words), atol=1e-5)
    for question, row in zip(questions, found.tolist(), strict=True):
        for word, value in zip(words, row, strict=True):
            context = policy.tokenizer(question)["input_ids"]
            said = policy.tokenizer(word, add_special_tokens=False)["input_ids"]
            ids = torch.tensor([[*context, *said]])
            logp = policy.module(ids).logits.log_softmax(-1)[0, len(context) - 1 : -1]
            assert value == pytest.approx(float(logp.gather(-1, torch.tensor(said).unsqueeze(-1)).sum().detach()), abs=1e-4)
    yes, no = found[0, 0], found[0, 1]
    verdict = ModelVerdict(policy, asks="{answer}{completion}?")(["q"], ["b"], ["a"])[0]
    assert verdict == pytest.approx(float(torch.sigmoid(yes - no)), abs=1e-5)


def test_a_question_that_is_too_long_loses_its_beginning():
    policy = SMALL.build(0)
    assert torch.equal(
        log_probabilities(policy, ["x" * 900 + "ab?"], ("Yes", "No")), log_probabilities(policy, ["x" * 500 + "ab?"], ("Yes", "No"))
    )
    assert log_probabilities(policy, [], ("Yes", "No")).shape == (0, 2)
    with pytest.raises(InputError, match="two of them alike"):
        log_probabilities(policy, ["a"], ("Yes", "Yes"))


@pytest.mark.parametrize(
    ("completion", "shown"),
    [
        ("it is five", "it is five"),
        (r"so \boxed{5}", "5"),
        ("<think>no, yes</think> 5", "5"),
        ("<answer>5</answer> say Yes", "5"),
        ("{answer}", "{answer}"),
    ],
)
def test_what_is_shown(completion, shown):
    model = Listening()
    assert ModelVerdict(model)(["how many {completion}?"], [completion], ["{prompt} 5"]) == [0.5]
    assert model.heard == [
        ModelVerdict(None).asks.split("{")[0]
        + "how many {completion}?\n\nReference answer: {prompt} 5\n\nAnswer of a student: "
        + shown
        + ModelVerdict(None).asks.rpartition("}")[2]
    ]


@pytest.mark.parametrize("completion", ["", "<think>5", r"\boxed{5", "<answer>5"])
def test_nothing_said_is_wrong_without_asking(completion):
    model = Listening()
    assert ModelVerdict(model)(["q"], [completion], ["5"]) == [0.0] and not model.heard


def test_messages_several_references_and_none():
    model = Listening(odds=4.0)
    verdict = ModelVerdict(model)
    said = [{"role": "assistant", "content": "five"}]
    assert verdict([[{"role": "user", "content": "2+3?"}]] * 2, [said] * 2, [["4", "5"], None]) == [pytest.approx(0.8), None]
    assert len(model.heard) == 2 and "2+3?" in model.heard[0]
    assert ModelVerdict(model, soft=False)(["q"], ["five"], ["5"]) == [1.0]
    assert ModelVerdict(Listening(1.0), soft=False)(["q"], ["five"], ["5"]) == [0.0]
    assert ModelVerdict(Listening(1e-300))(["q"], ["five"], ["5"])[0] == pytest.approx(0.0)


def test_only_what_the_rule_rejects_is_looked_at_again():
    model = Listening(odds=9.0)
    reward = Rescued(ModelVerdict(model), weight=0.5)
    found = reward(["q"] * 4, [r"\boxed{5}", r"\boxed{half of ten}", "", r"\boxed{x}"], answer=["5", "5", "5", "a reason in words"])
    assert found == [1.0, pytest.approx(0.45), 0.0, pytest.approx(0.45)] and len(model.heard) == 2
    assert Rescued(ModelVerdict(Listening(9.0)), StringMatch())(["q"], ["5"], answer=[None]) == [None]
    with RewardRunner({"right": Rescued(ModelVerdict(Listening(9.0), soft=False), MathEquivalence())}) as runner:
        scored = runner.score(["q"] * 2, [r"\boxed{5}", r"\boxed{half of ten}"], {"answer": ["5", "5"], "other": [1, 2]})
    assert scored.components["right"].tolist() == [1.0, 1.0]


def test_what_runs_is_not_kept():
    part = ModelVerdict(SMALL)
    part(["q"], ["a"], ["b"])
    assert pickle.loads(pickle.dumps(part)) == part == ModelVerdict(SMALL) and "_running" not in part.__getstate__()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ModelVerdict(Listening(), asks="{completion}?"), r"\{answer\} is not among what it is told"),
        (lambda: ModelVerdict("a")(["q"], ["a"], ["b"]), "cannot be asked"),
        (lambda: Rescued(StringMatch(), weight=2.0), "above 0, up to 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_a_model_of_the_users_judges_in_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SMALL.build(1).save(tmp_path / "verifier")
    (tmp_path / "rows.jsonl").write_text(
        "".join(json.dumps({"prompt": f"{letters}>", "answer": letters}) + "\n" for letters in ("ab", "ba", "aa", "bb"))
    )
    (tmp_path / "run.yaml").write_text(
        """
model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 24, characters: "ab>"}
task: {path: rows.jsonl}
reward:
  right: {part: rescued, verifier: string_match, by: {part: model_verdict, model: {part: language_model, source: verifier}}}
recipe: {base: rloo, sampler: {num_generations: 2}}
decoding: {max_completion_length: 3}
budget: {steps: 1, batch_size: 4}
run: out
"""
    )
    assert main(["train", "run.yaml", "--json"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "out" / "completions.jsonl").read_text().splitlines()]
    assert len(rows) == 8
    for row in rows:
        said, right = row["completion"], row["components"]["right"]
        assert right == 1.0 if said == row["prompt"].rstrip(">") else right == 0.0 if not said.strip() else 0.0 < right < 1.0
    assert any(0.0 < row["components"]["right"] < 1.0 for row in rows)
