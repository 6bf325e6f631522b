"""What is learned beside a preference: a policy with a head of its own, terms on rows of another kind, curated tasks, key words, verdicts on form and worth."""

import pytest
import torch
from scipy.stats import kendalltau, spearmanr

from guerdon.data.curation.graded_removal import GradedRemoval
from guerdon.data.keywords.contrast import Contrast
from guerdon.data.keywords.rake import Rake
from guerdon.evaluation.metrics.kendall_tau import KendallTau
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.losses.categories.category_cross_entropy import CategoryCrossEntropy
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.heads.categories import Categories
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.models.language.with_head import WithHead
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.training.jobs import FitJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.stages import Pipeline, Stage
from guerdon.worlds.text.comparisons import Comparisons
from guerdon.worlds.text.curated import Curated
from guerdon.worlds.text.form_and_worth import FormAndWorth
from guerdon.worlds.text.gold_reward import GoldReward

WORLD = GoldReward()
SMALL = SmallLanguageModel(WORLD.characters, layers=1, hidden=16, heads=2, context_length=24)
BOTH = WithHead(SMALL, Categories(3))
TWO = Sequences(
    [torch.tensor([3, 4])],
    torch.tensor([0, 0]),
    torch.tensor([[5, 6, 2], [7, 2, 0]]),
    torch.tensor([[True, True, True], [True, True, False]]),
    torch.tensor([3, 2]),
)


def test_a_policy_with_a_head_is_the_policy_and_says_more():
    plain, both = SMALL.build(0), BOTH.build(0)
    said = both.measure(TWO, {"logp", "category_logits"})
    assert said["category_logits"].shape == (2, 3)
    assert torch.equal(said["logp"], plain.measure(TWO, {"logp"})["logp"])
    hidden = both.policy.module.model(torch.tensor([[3, 4, 7, 2]])).last_hidden_state[0, -1]
    torch.testing.assert_close(said["category_logits"][1], both.module["head"](hidden))
    uniforms = torch.rand(2, 5, generator=generator(0, "test"))
    drawn = [model.sample(TWO.contexts, TWO.context, Decoding(5), uniforms).actions for model in (plain, both)]
    assert torch.equal(*drawn)


def test_the_reference_and_what_is_saved_have_no_head(tmp_path):
    from transformers import AutoModelForCausalLM

    both = BOTH.build(0)
    assert "category_logits" not in both.reference().measures
    both.save(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert loaded.state_dict().keys() == both.policy.module.state_dict().keys()


def test_a_head_is_trained_along_on_rows_of_another_kind_than_the_pairs():
    """The pairs' term reads a view; the other stream has no pairs that it could be measured on."""
    pairs = Comparisons(WORLD, 32)
    terms = (Term(Pairwise(LogRatio(), Logistic())), Term(CategoryCrossEntropy(), weight=0.5, data="degrees"))
    degrees = Curated(pairs, GradedRemoval(Contrast(), degrees=3))
    recipe, budget = Recipe(terms, AdamW(1e-2)), Budget(steps=3, batch_size=16)
    done = Pipeline(SMALL, Stage("both", FitJob(recipe, pairs, budget, BOTH, {"degrees": degrees}))).run(0, cached=False)
    before, after = BOTH.build(0).module.state_dict(), done["both"].model.module.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in ("head.weight", "head.bias", "body.lm_head.weight"))
    assert {"losses/pairwise", "losses/category_cross_entropy"} <= done["both"].history[-1].keys()


def test_graded_removal_takes_whole_words_from_texts_with_spaces():
    rows = [{"prompt": "p", "chosen": "The art of starting: art supplies, then patience", "rejected": "no"}]
    texts = [row["completion"] for row in GradedRemoval(Rake())(rows)]
    assert texts[0] == rows[0]["chosen"]
    assert texts[-1] == "The of : , then"
    assert any("starting" in text and "art supplies" not in text for text in texts)


def test_a_text_without_key_words_gives_no_rows():
    assert GradedRemoval(Rake())([{"prompt": "p", "chosen": "it is what it is", "rejected": "no"}]) == []


@pytest.mark.parametrize("seed", range(3))
def test_rank_correlation_is_scipys(seed):
    x, y = torch.randint(0, 6, (2, 30), generator=generator(seed, "ranks")).double().numpy()
    assert RankCorrelation()(x, y) == pytest.approx(spearmanr(x, y).statistic)


@pytest.mark.parametrize("seed", range(3))
def test_kendalls_tau_is_scipys_where_nothing_is_equal(seed):
    x, y = torch.rand(2, 9, generator=generator(seed, "items")).double().numpy()
    assert KendallTau()(x, y) == pytest.approx(kendalltau(x, y).statistic)


def test_an_answer_is_right_by_form_and_by_worth():
    task = FormAndWorth(WORLD, threshold=2.0)
    best = max(WORLD.worth, key=WORLD.worth.get)
    worst = min(WORLD.worth, key=WORLD.worth.get)
    others = "".join(sorted(set(WORLD.letters) - {best, worst})[:2])
    prompt, form = f"{best}{others[::-1]}>", "".join(sorted(best + others))
    answers = [form + best, form + worst, best * 2, form + best * 15, form]
    assert task.reward([prompt] * 5, answers) == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert all(row["completion"].startswith("".join(sorted(row["prompt"][:3]))) for row in task.demonstrations(20))
