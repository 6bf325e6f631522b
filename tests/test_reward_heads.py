"""Heads of reward models that say more than a number: what they say, what they learn, and that a folder says the same."""

import dataclasses
import json

import pytest
import torch

from guerdon.data.curation.policy_discrimination import PolicyDiscrimination
from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.losses.attributes.attribute_square import AttributeSquare
from guerdon.losses.pointwise import Pointwise
from guerdon.losses.quantiles.attribute_pinball import AttributePinball
from guerdon.losses.scores.head import Head as Score
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.models.encoders.embedded import Embedded
from guerdon.models.encoders.hidden_state import HiddenState
from guerdon.models.heads.attributes import Attributes
from guerdon.models.heads.ensemble import Ensemble
from guerdon.models.heads.gated_attributes import GatedAttributes
from guerdon.models.heads.gated_quantiles import GatedQuantiles
from guerdon.models.heads.laplace import Laplace
from guerdon.models.heads.quantiles import Quantiles
from guerdon.models.heads.reference_conditional import ReferenceConditional
from guerdon.models.heads.rule_conditional import RuleConditional
from guerdon.models.heads.two_layers import TwoLayers
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.recipes import attribute_reward_model, ensemble_reward_model, quantile_reward_model, reward_model
from guerdon.sequences import Example, Side, collate
from guerdon.training.display import Silent
from guerdon.training.jobs import FitJob, encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

BODY = SmallLanguageModel("abc>", layers=1, hidden=32, heads=2, context_length=16)
SAID = collate([Example({"": Side((1, 2), (0, 1, 3), (True,) * 3)}), Example({"": Side((2,), (1,), (True,))})]).sides[""]


def learned(head, recipe, rows, steps=150):
    model = Headed(BODY, head).build(0)
    fit(model, examples(rows, encoder_for(model)), dataclasses.replace(recipe, optimiser=AdamW(1e-2)), Budget(steps, batch_size=32))
    return model


def test_an_ensemble_is_scored_by_its_mean_less_what_its_members_differ_by():
    mean, low = Headed(BODY, Ensemble(4)).build(0), Headed(BODY, Ensemble(4, pessimism=2.0)).build(0)
    with torch.no_grad():
        found, lowered = (model.measure(SAID, {"score", "head_score"}) for model in (mean, low))
    assert found["head_score"].shape == (2, 4) and torch.equal(found["head_score"], lowered["head_score"])
    torch.testing.assert_close(found["score"], found["head_score"].mean(-1))
    torch.testing.assert_close(lowered["score"], found["score"] - 2 * found["head_score"].std(-1, correction=0))
    assert (found["head_score"].std(-1) > 0).all(), "members begin apart"
    with pytest.raises(InputError, match="members is 0"):
        Ensemble(0)


def test_laplace_is_as_sure_as_the_curvature_of_what_it_was_fitted_to_says():
    """The Hessian of the log-posterior by automatic differentiation, of comparisons and of verdicts, which are told in parts."""
    model = Headed(BODY, Laplace(precision=0.5)).build(0)
    head, rng = model.module["head"], torch.Generator().manual_seed(0)
    chosen, rejected, alone = (torch.randn(n, 32, generator=rng) for n in (7, 7, 3))
    model.head.conclude(head, [(chosen[:4], rejected[:4]), (chosen[4:], rejected[4:]), (alone,)])

    def loss(weight):
        evidence = torch.cat([chosen - rejected, alone]).double()
        return -torch.nn.functional.logsigmoid(evidence @ weight).sum() + 0.25 * weight.square().sum()

    covariance = torch.linalg.inv(torch.autograd.functional.hessian(loss, head.mean.weight[0].double()))
    torch.testing.assert_close(head.root.double() @ head.root.double().T, covariance, rtol=1e-4, atol=1e-5)
    states, places = torch.cat([chosen, alone]), torch.arange(10)
    said = model.head.read(head, states, places, places)
    away = (states - torch.cat([chosen, rejected, alone]).mean(0)).double()
    torch.testing.assert_close(said["score_deviation"].double(), ((away @ covariance) * away).sum(-1).sqrt(), rtol=1e-4, atol=1e-5)
    lowered = Laplace(precision=0.5, pessimism=2.0).read(head, states, places, places)["score"]
    torch.testing.assert_close(lowered, said["score"] - 2 * said["score_deviation"])
    with pytest.raises(InputError, match="precision is 0"):
        Laplace(precision=0)


@pytest.mark.parametrize("encoder", [False, True])
def test_laplace_is_surer_once_it_was_told_and_a_folder_says_the_same(tmp_path, encoder):
    rows = [{"prompt": q + ">", "chosen": "a", "rejected": "b"} for q in ("a", "b", "ab", "ba")] * 4
    BODY.build(0).save(tmp_path / "base")
    said = collate([Example({"": side}) for side in (Side((1, 3), (0,), (True,)), Side((2, 1, 3), (2, 2, 2), (True,) * 3))]).sides[""]
    specification = Embedded(HiddenState(str(tmp_path / "base"), 1, device="cpu"), Laplace()) if encoder else Headed(BODY, Laplace())
    model = specification.build(0)
    assert (model.measure(said, {"score_deviation"})["score_deviation"] == 0).all(), "nothing is known yet, and nothing is subtracted"
    model = FitJob(reward_model.recipe, rows, Budget(2, batch_size=4))(model, {}, 0, None, Silent()).model
    found = model.measure(said, {"score", "score_deviation"})
    learned = examples(rows, encoder_for(model))
    told = collate(learned).sides["chosen"]
    without = dataclasses.replace(specification, head=Laplace(precision=1.0)).build(0)
    without.module.load_state_dict(model.module.state_dict())
    without.head.conclude(without.module["head"], [])
    without.module["head"].centre.copy_(model.module["head"].centre)
    known, unknown = (each.measure(told, {"score_deviation"})["score_deviation"] for each in (model, without))
    assert (known > 0).all() and (known < unknown).all() and known.mean() < 0.9 * unknown.mean()
    model.save(tmp_path / "saved")
    if not encoder:
        specification = dataclasses.replace(specification, body=LanguageModel(str(tmp_path / "saved"), device="cpu"))
    again = dataclasses.replace(specification, trained=str(tmp_path / "saved")).build(1).measure(said, {"score", "score_deviation"})
    torch.testing.assert_close(again, found)


def test_its_members_agree_on_what_they_were_told_and_less_on_what_they_were_not():
    rows = [{"prompt": q + ">", "chosen": "a", "rejected": "b"} for q in ("a", "b", "ab", "ba")] * 8
    model = learned(Ensemble(5), ensemble_reward_model.recipe, rows)
    told, strange = (side(model, answer) for answer in (("a", "b"), ("c", "cc")))
    assert (told[0] - told[1] > 1).all()
    assert (told[0] - told[1]).std() / (told[0] - told[1]).mean().abs() < (strange[0] - strange[1]).std() / (
        strange[0] - strange[1]
    ).mean().abs()


def side(model, answers):
    encoder = encoder_for(model)
    batch = collate([Example({"": encoder.encode_pair("a>", answer)}) for answer in answers]).sides[""]
    with torch.no_grad():
        return model.measure(batch, {"head_score"})["head_score"]


def test_quantiles_are_those_of_the_ratings():
    """Answers to "a>" are rated 0 to 9 alike, those to "b>" always 4."""
    rows = [{"prompt": "a>", "completion": "c", "rating": float(i)} for i in range(10)] * 4 + [
        {"prompt": "b>", "completion": "c", "rating": 4.0}
    ] * 40
    model = learned(Quantiles(3), quantile_reward_model.recipe, rows, steps=300)
    encoder = encoder_for(model)
    batch = collate([Example({"": encoder.encode_pair(prompt, "c")}) for prompt in ("a>", "b>")]).sides[""]
    with torch.no_grad():
        found = model.measure(batch, {"score", "quantile_score"})
    wide, narrow = found["quantile_score"]
    assert 1 < wide[0] < 3.2 and 3.6 < wide[1] < 5.4 and 5.8 < wide[2] < 8
    assert (narrow - 4).abs().max() < 0.7
    torch.testing.assert_close(found["score"], found["quantile_score"].mean(-1))
    assert model.score(["a>"], ["c"]) == pytest.approx([float(found["score"][0])], abs=1e-5)
    with pytest.raises(InputError, match="count is 0"):
        Quantiles(0)


@pytest.mark.parametrize(
    "head",
    [
        Ensemble(3, 1.0),
        Quantiles(5),
        Attributes(2),
        GatedAttributes(2),
        GatedAttributes(2, shares=(0.5, 1.0), of=1),
        GatedQuantiles(2, 3, aversion=1.0),
        ReferenceConditional(4),
    ],
    ids=lambda head: type(head).__name__,
)
def test_a_folder_says_the_same(head, tmp_path):
    model = Headed(BODY, head).build(0)
    model.save(tmp_path)
    again = Headed(LanguageModel(str(tmp_path), dtype="float32", device="cpu"), head, trained=str(tmp_path)).build(1)
    assert model.score(["a>"], ["bc"]) == pytest.approx(again.score(["a>"], ["bc"]), abs=1e-6)


def test_attributes_are_learned_from_rows_that_rate_some_of_them_and_the_gate_from_comparisons():
    """ "a" is helpful, "b" is careful. Nobody rates both of one answer; after "a>" helpfulness is preferred, after "b>" care."""
    rated = []
    for answer, help_, care in (("a", 1.0, -1.0), ("b", -1.0, 1.0)):
        for prompt in ("a>", "b>"):
            rated += [
                {"prompt": prompt, "completion": answer, "help": help_, "care": None},
                {"prompt": prompt, "completion": answer, "care": care},
            ]
    recipe = dataclasses.replace(attribute_reward_model.recipe, terms=(Term(AttributeSquare(("help", "care"))),), optimiser=AdamW(1e-2))
    model = Headed(BODY, GatedAttributes(2, units=16, hidden=1)).build(0)
    encoder = encoder_for(model)
    with pytest.raises(InputError, match="no row has a number in column 'care'"):
        examples(rated[:1], encoder, sparse=("help", "care"))
    fit(model, examples(rated * 4, encoder, sparse=("help", "care")), recipe, Budget(100, batch_size=16))
    batch = collate([Example({"": encoder.encode_pair("a>", answer)}) for answer in ("a", "b")]).sides[""]
    with torch.no_grad():
        said = model.measure(batch, {"attribute_score"})["attribute_score"]
    assert torch.allclose(said, torch.tensor([[1.0, -1.0], [-1.0, 1.0]]), atol=0.3)
    pairs = [{"prompt": "a>", "chosen": "a", "rejected": "b"}, {"prompt": "b>", "chosen": "b", "rejected": "a"}] * 16
    model.module["body"].requires_grad_(False)
    fit(model, examples(pairs, encoder), dataclasses.replace(reward_model.recipe, optimiser=AdamW(1e-2)), Budget(100, batch_size=16))
    with torch.no_grad():
        assert torch.allclose(model.measure(batch, {"attribute_score"})["attribute_score"], said), "comparisons leave the qualities alone"
    scores = model.score(["a>", "a>", "b>", "b>"], ["a", "b", "a", "b"])
    assert scores[0] > scores[1] and scores[3] > scores[2]


def test_weights_of_attributes_are_chosen_afterwards():
    mean, weighed = Headed(BODY, Attributes(3)).build(0), Headed(BODY, Attributes(3, weights=(1.0, 0.0, -0.5))).build(0)
    with torch.no_grad():
        found, other = (model.measure(SAID, {"score", "attribute_score"}) for model in (mean, weighed))
    torch.testing.assert_close(found["score"], found["attribute_score"].mean(-1))
    torch.testing.assert_close(other["score"], found["attribute_score"] @ torch.tensor([1.0, 0.0, -0.5]))
    with pytest.raises(InputError, match="3 attributes have 2 weights"):
        Attributes(3, weights=(1.0, 2.0))
    with pytest.raises(InputError, match=r"the head has 3 attributes and attribute_square\.names 2"):
        AttributeSquare(("a", "b"))(torch.zeros(1, 3), a=torch.zeros(1), b=torch.zeros(1))


def test_a_share_of_verbosity_is_taken_off_every_quality():
    plain = Headed(BODY, GatedAttributes(3, units=8, hidden=1)).build(0)
    taken = Headed(BODY, GatedAttributes(3, units=8, hidden=1, shares=(0.5, 0.0, 1.0), of=2)).build(0)
    with torch.no_grad():
        found, less = (model.measure(SAID, {"score", "attribute_score", "mixture_logp"}) for model in (plain, taken))
    torch.testing.assert_close(less["attribute_score"], found["attribute_score"])
    gate, verbosity = found["mixture_logp"].exp(), found["attribute_score"][:, 2]
    torch.testing.assert_close(less["score"], found["score"] - (0.5 * gate[:, 0] + gate[:, 2]) * verbosity)
    with pytest.raises(InputError, match="2 shares of attribute 4 are taken off 2 attributes"):
        GatedAttributes(2, shares=(0.1, 0.1))


def test_one_head_for_all_rules_is_told_which_is_asked_about():
    """The first rule forbids a, the second b."""
    rows = [
        {"prompt": "c>", "completion": said, "rule": rule, "label": said == "ab"[rule]} for rule in (0, 1) for said in ("a", "b", "c")
    ] * 8
    recipe = Recipe((Term(Pointwise(Score(), CrossEntropy())),), AdamW(1e-2))
    model = learned(RuleConditional(2, dimensions=8), recipe, rows, steps=60)
    first, second = (model.score(["c>"] * 3, ["a", "b", "c"], rule=[rule] * 3) for rule in (0, 1))
    assert first[0] > 0 > max(first[1:]) and second[1] > 0 > max(second[0], second[2])
    with pytest.raises(InputError, match="rule 2 is not known"):
        model.score(["c>"], ["a"], rule=[2])
    with pytest.raises(InputError, match="reads the column 'rule'"):
        model.score(["c>"], ["a"])
    with pytest.raises(InputError, match="0 rules"):
        RuleConditional(0)


def test_what_is_good_is_what_is_like_the_reference():
    """Who wrote a writes c, and who wrote b writes ca; which of the two is preferred is what the reference says."""
    rows = [{"prompt": "c>", "completions": ["a", "a", "b", "b"], "policies": ["x", "x", "y", "y"]}] * 8
    pairs = PolicyDiscrimination(">")(rows)
    assert pairs[0] == {"prompt": "c>a>c>", "chosen": "a", "rejected": "b"} and len(pairs) == 32
    model = Headed(BODY, ReferenceConditional(8)).build(0)
    model.module["body"].requires_grad_(False)  # then the product alone can say it
    fit(
        model,
        examples(pairs, encoder_for(model)),
        dataclasses.replace(reward_model.recipe, optimiser=AdamW(3e-2)),
        Budget(60, batch_size=16),
    )
    scores = model.score(["c>a>c>", "c>a>c>", "c>b>c>", "c>b>c>"], ["a", "b", "a", "b"])
    assert scores[0] > scores[1] and scores[3] > scores[2]
    with pytest.raises(InputError, match="dimensions is 0"):
        ReferenceConditional(0)
    with pytest.raises(InputError, match="2 completions and 0 policies"):
        PolicyDiscrimination()([{"prompt": "p", "completions": ["a", "b"]}])


def test_quantiles_of_qualities_are_mixed_by_the_prompt_and_what_is_risked_may_count():
    plain = Headed(BODY, GatedQuantiles(2, count=3, units=8, hidden=1)).build(0)
    averse = Headed(BODY, GatedQuantiles(2, count=3, units=8, hidden=1, aversion=2.0)).build(0)
    with torch.no_grad():
        found, other = (model.measure(SAID, set(GatedQuantiles.measures)) for model in (plain, averse))
    assert found["attribute_quantile_score"].shape == (2, 2, 3)
    mixed = (found["mixture_logp"].exp().unsqueeze(-1) * found["attribute_quantile_score"]).sum(1)
    torch.testing.assert_close(found["quantile_score"], mixed)
    torch.testing.assert_close(found["score"], mixed.mean(-1))
    torch.testing.assert_close(other["score"], -(-2 * mixed).exp().mean(-1).log() / 2)
    assert (other["score"] < found["score"]).all(), "what differs is worth less than its mean"
    with pytest.raises(InputError, match="aversion of 0 or more"):
        GatedQuantiles(aversion=-1.0)
    with pytest.raises(InputError, match=r"the head has 2 attributes and attribute_pinball\.names 1"):
        AttributePinball(("help",))(torch.zeros(1, 2, 3), help=torch.zeros(1))


def test_quantiles_of_two_qualities_are_learned_from_rows_that_rate_one_of_them():
    """The first quality is rated 0 to 9 alike, the other always 4."""
    rows = [{"prompt": "a>", "completion": "c", "help": float(i), "care": None} for i in range(10)] * 4
    rows += [{"prompt": "a>", "completion": "c", "help": None, "care": 4.0}] * 40
    recipe = Recipe((Term(AttributePinball(("help", "care"))),), AdamW(3e-2))
    model = Headed(BODY, GatedQuantiles(2, count=3, units=8, hidden=1)).build(0)
    encoder = encoder_for(model)
    fit(model, examples(rows, encoder, sparse=("help", "care")), recipe, Budget(120, batch_size=32))
    batch = collate([Example({"": encoder.encode_pair("a>", "c")})]).sides[""]
    with torch.no_grad():
        wide, narrow = model.measure(batch, {"attribute_quantile_score"})["attribute_quantile_score"][0]
    assert 1 < wide[0] < 3.2 and 3.4 < wide[1] < 5.6 and 5.8 < wide[2] < 8
    assert (narrow - 4).abs().max() < 0.7


def test_two_layers_say_what_no_line_does():
    """Of four places in a plane those whose coordinates have the same sign are good."""
    places = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    head = TwoLayers(8)
    module, each = head.build(2, 0), torch.arange(4)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(150):
        score = head.read(module, places, each, each)
        loss = -torch.nn.functional.logsigmoid(score[:2].unsqueeze(-1) - score[2:]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert score[:2].min() > score[2:].max()
    with pytest.raises(InputError, match="units is 0"):
        TwoLayers(0)


def test_whoever_asks_a_scorer_takes_a_folder_with_any_head_that_scores(tmp_path, capsys):
    from guerdon.interfaces.cli import main
    from guerdon.interfaces.serving.scoring import load
    from guerdon.interfaces.serving.settings import Settings

    rows = [{"prompt": "a>", "completion": said, "helpfulness": float(len(said)), "verbosity": 1.0} for said in ("a", "ab", "abc", "b")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "run.yaml").write_text(
        f"""
model:
  part: headed
  body: {{part: small_language_model, characters: "abc>", layers: 1, hidden: 16, heads: 2, context_length: 16}}
  head: {{part: attributes, count: 2, weights: [1.0, -0.5]}}
task: {{path: {tmp_path}/rows.jsonl}}
recipe: {{base: attribute_reward_model, terms: [{{loss: {{part: attribute_square, names: [helpfulness, verbosity]}}}}]}}
budget: {{steps: 2, batch_size: 4}}
run: {tmp_path}/run
"""
    )
    assert main(["fit", str(tmp_path / "run.yaml")]) == 0
    capsys.readouterr()
    folder = str(tmp_path / "run" / "model")
    expected = (
        Headed(LanguageModel(folder, dtype="float32", device="cpu"), Attributes(2, (1.0, -0.5)), trained=folder)
        .build()
        .score(["a>"], ["ab"])
    )
    assert main(["score", folder, str(tmp_path / "rows.jsonl")]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said[1]["score"] == pytest.approx(expected[0], abs=1e-5)
    served = load(folder, "float32", "cpu", Settings())
    assert served.names == {"score", "attribute_score"}
    (tmp_path / "run" / "configuration.yaml").unlink()
    assert main(["score", folder, str(tmp_path / "rows.jsonl")]) == 2
    assert "no configuration.yaml there or above it says which" in capsys.readouterr().err


def test_a_head_without_a_score_is_no_scorer(tmp_path, capsys):
    from guerdon.interfaces.cli import main
    from guerdon.models.heads.categories import Categories

    Headed(BODY, Categories(3)).build(0).save(tmp_path / "model")
    (tmp_path / "configuration.yaml").write_text(
        'model: {part: headed, body: {part: small_language_model, characters: "abc>"}, head: {part: categories, count: 3}}\nrun: x\n'
    )
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a>", "completion": "b"}\n')
    assert main(["score", str(tmp_path / "model"), str(tmp_path / "rows.jsonl")]) == 2
    assert "(Categories(count=3)) says no score of an answer" in capsys.readouterr().err
