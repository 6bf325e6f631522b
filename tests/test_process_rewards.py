"""Models of steps: where a step is read, what they learn, what others read of their folders, and what is refused."""

import json

import pytest
import torch

from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.losses.steps.step_ranking import StepRanking
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.step import Step
from guerdon.models.language.headed import Headed
from guerdon.models.language.scorer import Scorer
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.models.language.step_scorer import StepScorer
from guerdon.recipes import process_reward_model
from guerdon.sequences import Example, Side, collate
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget

BODY = SmallLanguageModel("0123456789+=\n ", layers=2, hidden=32, heads=2, context_length=64)


def sums(n, seed=0):
    """Answers in three steps, each a sum of two digits; a step is right if its sum is."""
    random = torch.Generator().manual_seed(seed)
    rows = []
    for i in range(n):
        steps, labels = [], []
        for _ in range(3):
            a, b = torch.randint(0, 5, (2,), generator=random).tolist()
            right = bool(torch.rand((), generator=random) < 0.5)
            said = a + b if right else (a + b + 1 + int(torch.randint(0, 4, (), generator=random))) % 10
            steps.append(f"{a}+{b}={said}")
            labels.append(right)
        rows.append({"prompt": f"{i}=", "completions": steps, "labels": labels})
    return rows


def learned(n=400, steps=300):
    model = Headed(BODY, Step()).build(0)
    recipe = process_reward_model.recipe
    recipe = type(recipe)(recipe.terms, AdamW(3e-3))
    fit(model, examples(sums(n), encoder_for(model)), recipe, Budget(steps, batch_size=32))
    return model


@pytest.fixture(scope="module")
def trained():
    return learned()


def test_a_step_is_read_at_its_own_last_token_wherever_it_lies_in_the_row():
    """What is said of a step is what a scalar head of the same weights says of the answer that ends there."""
    steps, whole = Headed(BODY, Step()).build(0), Headed(BODY, Scalar()).build(0)
    whole.module.load_state_dict({name: value for name, value in steps.module.state_dict().items() if name != "head.bias"})
    sides = [
        Side((1, 2, 3), (4, 5, 6, 7, 8), (False, True, False, False, True)),
        Side((1, 2, 3), (9, 4), (True, True)),
        Side((3,), (5, 5, 5), (False, False, True)),
    ]
    batch = collate([Example({"": side}) for side in sides]).sides[""]
    with torch.no_grad():
        said = steps.measure(batch, {"step_score"})["step_score"]
        for row, side in enumerate(sides):
            for t, acted in enumerate(side.mask):
                cut = collate([Example({"": Side(side.context, side.actions[: t + 1], (True,) * (t + 1))})]).sides[""]
                expected = whole.measure(cut, {"score"})["score"] if acted else torch.zeros(1)
                torch.testing.assert_close(said[row, t : t + 1], expected)


def test_it_learns_which_steps_are_right(trained):
    rows = sums(100, seed=1)
    said = trained.step_scores([row["prompt"] for row in rows], [row["completions"] for row in rows])
    right = [
        (score > 0.5) == label for scores, row in zip(said, rows, strict=True) for score, label in zip(scores, row["labels"], strict=True)
    ]
    assert sum(right) / len(right) > 0.9


def test_the_folder_is_read_here_and_by_transformers_with_the_same_scores(trained, tmp_path):
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    trained.save(tmp_path)
    rows = sums(5, seed=2)
    prompts, answers = [row["prompt"] for row in rows], [row["completions"] for row in rows]
    said = trained.step_scores(prompts, answers)
    again = StepScorer(str(tmp_path)).build().step_scores(prompts, answers)
    assert torch.allclose(torch.tensor(said), torch.tensor(again), atol=1e-6)
    model, tokenizer = AutoModelForTokenClassification.from_pretrained(tmp_path).eval(), AutoTokenizer.from_pretrained(tmp_path)
    assert model.config.id2label == {0: "wrong", 1: "right"}
    ids = encoder_for(trained).encode_steps(prompts[0], [step + "\n" for step in answers[0]], [1.0] * 3)
    tokens = torch.tensor([[*ids.context, *ids.actions]])
    assert tokenizer.decode(ids.actions) == "".join(step + "\n" for step in answers[0])
    with torch.no_grad():
        logits = model(tokens).logits[0, len(ids.context) :][torch.tensor(ids.mask)]
    assert torch.allclose(logits.softmax(-1)[:, 1], torch.tensor(said[0]), atol=1e-5)


def test_a_classifier_that_somebody_else_trained_is_read_by_the_difference_of_its_outputs(trained, tmp_path):
    from transformers import AutoModelForTokenClassification

    trained.save(tmp_path / "ours")
    other = AutoModelForTokenClassification.from_pretrained(tmp_path / "ours")
    torch.manual_seed(0)
    with torch.no_grad():
        other.score.weight.normal_()
        other.score.bias.normal_()
    other.save_pretrained(tmp_path / "theirs")
    for file in (tmp_path / "ours").glob("token*"):
        (tmp_path / "theirs" / file.name).write_bytes(file.read_bytes())
    ids = encoder_for(trained).encode_steps("3=", ["1+1=2\n", "2\n"], [1.0, 1.0])
    with torch.no_grad():
        logits = other.eval()(torch.tensor([[*ids.context, *ids.actions]])).logits[0, len(ids.context) :][torch.tensor(ids.mask)]
    [found] = StepScorer(str(tmp_path / "theirs")).build().step_scores(["3="], [["1+1=2", "2"]])
    assert torch.allclose(torch.tensor(found), logits.softmax(-1)[:, 1], atol=1e-5)


def test_a_model_of_the_other_kind_is_refused_with_what_it_is(trained, tmp_path):
    trained.save(tmp_path / "steps")
    Headed(BODY, Scalar()).build(0).save(tmp_path / "whole")
    with pytest.raises(InputError, match=r"is no scorer of steps.*process_reward_model"):
        StepScorer(str(tmp_path / "whole")).build()
    with pytest.raises(InputError, match=r"is no scorer \(.*TokenClassification.*recipe reward_model.*serve reward --steps"):
        Scorer(str(tmp_path / "steps")).build()
    with pytest.raises(InputError, match="scores whole answers and not their steps"):
        Scorer(str(tmp_path / "whole")).build().step_scores(["3="], [["1+1=2"]])
    with pytest.raises(InputError, match="no steps to score"):
        trained.step_scores(["3="], [[]])


def test_it_is_trained_from_a_file_by_one_command(tmp_path):
    from guerdon.interfaces.cli import main

    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sums(40)))
    (tmp_path / "run.yaml").write_text(
        f"""
model:
  part: headed
  body: {{part: small_language_model, characters: "0123456789+=\\n", layers: 1, hidden: 16, heads: 2, context_length: 64}}
  head: step
task: {{path: {tmp_path}/rows.jsonl, held_out: 8}}
recipe: process_reward_model
budget: {{steps: 3, batch_size: 8}}
run: {tmp_path}/run
"""
    )
    assert main(["fit", str(tmp_path / "run.yaml")]) == 0
    [scores] = StepScorer(str(tmp_path / "run" / "model")).build().step_scores(["3="], [["1+1=2", "2+2=5"]])
    assert len(scores) == 2 and all(0 < score < 1 for score in scores)


def test_a_folder_of_it_is_a_reward_of_a_run(trained, tmp_path):
    from guerdon.interfaces.cli import main

    trained.save(tmp_path / "steps")
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"prompt": f"{i}="}) + "\n" for i in range(4)))
    (tmp_path / "run.yaml").write_text(
        f"""
model: {{part: small_language_model, characters: "0123456789+=\\n ", layers: 1, hidden: 16, heads: 2, context_length: 64}}
task: {{path: {tmp_path}/rows.jsonl}}
recipe: {{base: grpo, sampler: {{part: group, num_generations: 4}}}}
reward:
  weakest: {{part: step_scorer, scorer: {{part: step_scorer, source: {tmp_path}/steps}}}}
  all: {{part: step_scorer, scorer: {{part: step_scorer, source: {tmp_path}/steps}}, aggregate: product}}
decoding: {{max_completion_length: 12}}
budget: {{steps: 1, batch_size: 4}}
run: {tmp_path}/run
"""
    )
    assert main(["train", str(tmp_path / "run.yaml")]) == 0
    [first] = [
        row for row in map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) if "rewards/weakest/mean" in row
    ]
    assert 0 < first["rewards/all/mean"] <= first["rewards/weakest/mean"] < 1


# Process_Q_Model (WindyLee0822), train_main.py, PRMTrainer.ranking_loss at 1e84e28: loss and gradient of torch.randn(4, 5) in float64 from a generator of seed 0, labels as
# below (-100: no step); its 1e-5 in the logarithm is what is left between the two.
PQM_LABELS = [[1, 0, 0, 0, -100], [1, 0, 0, -100, -100], [0, 0, 0, 0, 0], [1, -100, -100, -100, -100]]
PQM = {
    0.0: (
        1.8425163868,
        [-0.1224432187, 0.0358535949, 0.0180271331, 0.1414864642, 0.0, -0.0850760081, 0.0953725923, 0.0348165150, 0.0, 0.0],
        [0.0063117556, 0.0881559188, 0.0119089711, 0.1048331461, 0.0151179062, -0.1772747958, 0.0, 0.0, 0.0, 0.0],
    ),
    4.0: (
        4.5945253958,
        [-0.1249397731, 0.0456458528, 0.0229506656, 0.1801289477, 0.0, -0.1233088151, 0.1798818383, 0.0656672799, 0.0, 0.0],
        [0.0069585908, 0.0971902282, 0.0131294148, 0.1155765550, 0.0166672048, -0.1772747958, 0.0, 0.0, 0.0, 0.0],
    ),
}


@pytest.mark.parametrize("margin", PQM)
def test_the_ranking_of_steps_is_that_of_its_authors_where_an_answer_has_one_right_step(margin):
    score = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    label = torch.tensor(PQM_LABELS)
    loss = StepRanking(margin)(step_score=score, step_label=label.clamp(min=0).double(), mask=label >= 0).mean()
    [gradient] = torch.autograd.grad(loss, score)
    assert loss.item() == pytest.approx(PQM[margin][0], abs=2e-5)
    assert gradient.flatten().tolist() == pytest.approx([x for row in PQM[margin][1:] for x in row], abs=2e-5)


def test_the_ranking_of_steps_does_not_hear_of_steps_that_are_none_and_puts_right_ones_above_wrong_ones():
    score = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    given = {"step_label": torch.tensor([[1.0, 1.0, 0.0, 1.0]]), "mask": torch.tensor([[True, True, True, False]])}
    for _ in range(300):
        [gradient] = torch.autograd.grad(StepRanking(2.0)(step_score=score, **given).sum(), score)
        score = (score - 0.5 * gradient).detach().requires_grad_()
    first, second, wrong, none = score[0].tolist()
    assert none == 0.0 and wrong + 2.0 < 0 < first < second
