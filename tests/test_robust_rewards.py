"""Rewards against what people like for the wrong reason, on a language model: the same parts that the atlas tries on vectors."""

import dataclasses
import statistics

import numpy as np
import pytest
import torch

from guerdon.data.curation.balanced_lengths import BalancedLengths
from guerdon.data.curation.rating_offset import RatingOffset
from guerdon.data.curation.unrelated_prompts import UnrelatedPrompts
from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.evaluation.metrics.gain_within_bins import GainWithinBins
from guerdon.evaluation.metrics.mismatch_degree import MismatchDegree
from guerdon.losses.on_both_sides import OnBothSides
from guerdon.losses.penalties.attribute_correlation import AttributeCorrelation
from guerdon.losses.penalties.bin_discrepancy import BinDiscrepancy
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.several_heads.co_taught import CoTaught
from guerdon.models.heads.disentangled import Disentangled
from guerdon.models.heads.ensemble import Ensemble
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.recipes import co_taught_reward_model, disentangled_reward_model, invariant_reward_model, reward_model
from guerdon.sequences import collate
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Term

BODY = SmallLanguageModel("abcd>", layers=1, hidden=32, heads=2, context_length=16)
ANSWERS = [first + "b" * more for first in "ac" for more in range(5)]  # "a" is good, "c" is not, and people like every "b"


def utility(answer):
    return 2.0 * answer.startswith("a") + 0.8 * len(answer)


ROWS = [
    {"prompt": "d>", "chosen": x, "rejected": y, "chosen_bees": float(x.count("b")), "rejected_bees": float(y.count("b"))}
    for x in ANSWERS
    for y in ANSWERS
    if utility(x) > utility(y)
]


def learned(head, recipe, rows=ROWS, steps=80, **weights):
    terms = tuple(dataclasses.replace(term, weight=weights.get(type(term.loss).__name__, term.weight)) for term in recipe.terms)
    model = Headed(BODY, head).build(0)
    fit(
        model,
        examples(rows, encoder_for(model)),
        dataclasses.replace(recipe, terms=terms, optimiser=AdamW(1e-2)),
        Budget(steps, batch_size=32),
    )
    return model


def follows_length(model):
    return np.corrcoef(model.score(["d>"] * len(ANSWERS), ANSWERS), [len(a) for a in ANSWERS])[0, 1]


def knows_what_is_good(model):
    scores = dict(zip(ANSWERS, model.score(["d>"] * len(ANSWERS), ANSWERS), strict=True))
    return all(scores["a" + "b" * n] > scores["c" + "b" * n] for n in range(5))


@pytest.fixture(scope="module")
def disentangled():
    return learned(Disentangled(), disentangled_reward_model.recipe)


def test_a_plain_reward_follows_length_and_neither_a_disentangled_nor_an_invariant_one_does(disentangled):
    plain, invariant = learned(Scalar(), reward_model.recipe), learned(Scalar(), invariant_reward_model.recipe)
    assert follows_length(plain) > 0.7 and knows_what_is_good(plain)
    for model in (disentangled, invariant):
        assert follows_length(model) < 0.4 and knows_what_is_good(model)


def test_the_other_head_has_the_length_and_heads_do_not_overlap(disentangled):
    batch = examples([{"prompt": "d>", "completion": a} for a in ANSWERS], encoder_for(disentangled))
    with torch.no_grad():
        said = disentangled.measure(collate(batch).sides[""], {"score", "head_score", "head_overlap"})
    assert torch.equal(said["score"], said["head_score"][:, 0])
    assert np.corrcoef(said["head_score"][:, 1].numpy(), [len(a) for a in ANSWERS])[0, 1] > 0.9
    assert float(said["head_overlap"][0]) < 0.1 and (said["head_overlap"] == said["head_overlap"][0]).all()


def test_the_attribute_may_be_a_column_of_the_data():
    recipe = dataclasses.replace(
        invariant_reward_model.recipe,
        terms=(
            invariant_reward_model.recipe.terms[0],
            dataclasses.replace(invariant_reward_model.recipe.terms[1], loss=OnBothSides(BinDiscrepancy("bees"))),
        ),
    )
    assert follows_length(learned(Scalar(), recipe)) < 0.4
    with pytest.raises(InputError, match="chosen_bees"):
        learned(Scalar(), recipe, [{k: v for k, v in row.items() if "bees" not in k} for row in ROWS])


@pytest.mark.parametrize("normalised", [True, False])
def test_a_folder_says_the_same(normalised, tmp_path):
    head = Disentangled(normalised)
    model = Headed(BODY, head).build(0)
    model.save(tmp_path)
    again = Headed(LanguageModel(str(tmp_path), dtype="float32", device="cpu"), head, trained=str(tmp_path)).build(1)
    assert model.score(["a>"], ["bc"]) == pytest.approx(again.score(["a>"], ["bc"]), abs=1e-6)


def test_of_normalised_heads_only_the_direction_counts():
    for normalised in (True, False):
        model = Headed(BODY, Disentangled(normalised)).build(0)
        before = model.score(["a>"], ["bc"])
        with torch.no_grad():
            model.module["head"].weight *= 3
        assert (model.score(["a>"], ["bc"]) == pytest.approx(before, abs=1e-6)) == normalised


def test_heads_that_teach_each_other_leave_out_what_is_labelled_wrongly():
    """One row in four is turned round: whoever learns from all of them says so, at odds of three to one."""
    rows = [{"prompt": "d>", "chosen": "a" + b, "rejected": "c" + b} for b in ("", "b", "bb", "bbb") for _ in range(3)]
    rows += [{"prompt": "d>", "chosen": row["rejected"], "rejected": row["chosen"]} for row in rows[::3]]
    told = co_taught_reward_model.recipe
    every = dataclasses.replace(told, terms=(Term(CoTaught(keep=1.0)),))

    def lead(recipe):
        first, second = learned(Ensemble(2), recipe, rows * 2).score(["d>", "d>"], ["a", "c"])
        return first - second

    assert lead(every) < 1.7 < 2.5 < lead(told)


def test_what_is_no_share_and_no_bin_is_refused():
    with pytest.raises(InputError, match=r"co_taught\.keep is 0"):
        CoTaught(keep=0)
    with pytest.raises(InputError, match="2 bins or more"):
        BinDiscrepancy(bins=1)
    with pytest.raises(InputError, match="has one for a step; take on_side"):
        OnBothSides(KLDirect())


def test_bins_hold_as_many_each_and_equal_values_share_one():
    penalty = BinDiscrepancy("marks", bins=2)
    place = penalty._places(torch.tensor([0.0, 0.0, 0.0, 5.0, 7.0, 9.0]))
    assert place.tolist() == [0, 0, 0, 1, 1, 1]
    assert penalty._places(torch.tensor([4.0, 4.0, 4.0])).tolist() == [0, 0, 0]
    assert penalty(score=torch.tensor([1.0, 2.0]), marks=torch.tensor([4.0, 4.0])).tolist() == [0.0, 0.0]


def test_a_score_without_a_relation_pays_little_and_one_that_follows_pays():
    rng = torch.Generator().manual_seed(0)
    marks, score = torch.randn(2, 400, generator=rng)
    for penalty in (BinDiscrepancy("marks"), AttributeCorrelation("marks")):
        free = penalty(score=score, head_score=torch.stack([score, marks], -1), marks=marks)[0]
        bound = penalty(score=marks + 0.5 * score, head_score=torch.stack([marks + 0.5 * score, marks], -1), marks=marks)[0]
        assert bound > free + 0.3
    bent = marks.square()  # no correlation, and as far from independent as can be
    assert BinDiscrepancy("marks")(score=bent, marks=marks)[0] > 10 * BinDiscrepancy("marks")(score=score, marks=marks)[0]


def test_an_offset_makes_a_source_win_as_often_as_its_rating_says_and_agrees_with_the_normal_form():
    """``calibrate.py`` of CHARM's authors takes scores to be normal: the offset is z sqrt(v1 + v2) less the difference of the means."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(2.0, 1.0, 4000), rng.normal(0.5, 0.7, 4000)
    ratings = (1000.0, 1100.0)
    rate = 1 / (1 + 10 ** (100 / 400))
    rows = [
        {"prompt": str(i), "completions": ["one", "other"], "scores": [a, b]} for i, (a, b) in enumerate(zip(first, second, strict=True))
    ]
    made = RatingOffset(ratings)(rows)
    assert np.mean([row["chosen"] == "one" for row in made]) == pytest.approx(rate, abs=1e-3)
    normal = statistics.NormalDist().inv_cdf(rate) * np.sqrt(first.var() + second.var()) - (first.mean() - second.mean())
    offset = RatingOffset(ratings).offset(first, second)
    assert offset == pytest.approx(normal, abs=0.08)
    assert MismatchDegree()(first, second, *ratings) > 0.5 and MismatchDegree()(first + offset, second, *ratings) < 1e-3
    with pytest.raises(InputError, match="row 0 has 3 completions"):
        RatingOffset(ratings)([{"prompt": "p", "completions": ["a", "b", "c"], "scores": [1.0, 2.0, 3.0]}])


def test_neutral_pairs_stand_under_prompts_that_are_not_their_own_and_are_learned_as_ties():
    rows = [{"prompt": p, "chosen": "a", "rejected": "b"} for p in ("p", "p", "q", "r")]
    made = UnrelatedPrompts(times=2)(rows)
    assert [row["tie"] for row in made] == [0, 1, 1] * 4
    assert all(
        new["prompt"] != old["prompt"] for old, place in zip(rows, range(0, 12, 3), strict=True) for new in made[place + 1 : place + 3]
    )
    assert [row["tie"] for row in UnrelatedPrompts()(rows[:2])] == [0, 0], "there is no other prompt"
    with pytest.raises(InputError, match="times is 0"):
        UnrelatedPrompts(times=0)


def test_balanced_lengths_leave_no_length_to_be_learned():
    rng = np.random.default_rng(0)
    rows = [{"prompt": "p", "chosen": "a" * rng.integers(1, 40), "rejected": "a" * rng.integers(1, 20)} for _ in range(400)]
    for made in (
        BalancedLengths()(rows),
        BalancedLengths()([{**r, "chosen_length": len(r["rejected"]), "rejected_length": len(r["chosen"])} for r in rows]),
    ):
        ahead = [len(row["chosen"]) - len(row["rejected"]) for row in made]
        assert sum(a > 0 for a in ahead) == sum(a < 0 for a in ahead) > 40
        assert abs(np.mean(ahead)) < 1.0
    with pytest.raises(InputError, match="bins is 0"):
        BalancedLengths(bins=0)


def test_a_gain_that_is_all_length_has_nothing_within_bins():
    length, after = np.array([1.0, 2.0, 11.0, 12.0]), np.array([11.0, 12.0, 11.0, 2.0])
    within, shift = GainWithinBins(1.0)(length, length, after, after)
    assert within == pytest.approx(0.0) and shift == pytest.approx(after.mean() - length.mean())
    assert np.isnan(GainWithinBins(1.0)([0.0], [1.0], [0.0], [5.0])).all(), "no bin has answers of both"
    with pytest.raises(InputError, match="width is 0"):
        GainWithinBins(0)
