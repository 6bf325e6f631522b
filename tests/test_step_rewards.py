"""Methods that look at the steps of an answer: what their recipes compute through the loop, against their equations written out on tables."""

import pytest
import torch
from torch.nn.functional import logsigmoid

from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.models.prompted import Before, Prompted
from guerdon.parts import call
from guerdon.recipes import dpo, t_reg, tdpo, tgdpo
from guerdon.sequences import Example, Side, collate
from guerdon.training.jobs import FitJob, encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.measuring import attach_views, gather, wanted_by
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe
from guerdon.training.stages import Pipeline, Stage
from guerdon.worlds.text.comparisons import Comparisons
from guerdon.worlds.text.gold_reward import GoldReward

CHOSEN, REJECTED = (0, 2, 1), (1, 0)  # 0 to 2 are steps, 3 ends


def policies(*seeds):
    return [PrefixTable(3, 4, 3, end=3, deviation=1.0, seed=seed).build() for seed in seeds]


def pair(context=0):
    sides = {"chosen": CHOSEN, "rejected": (*REJECTED, 3)}
    return Example({name: Side((context,), actions, (True,) * 3) for name, actions in sides.items()})


def steps(policy, actions, context=0):
    """[T, V], log-probabilities of the next step before each of the actions."""
    nodes = policy.tree.nodes(torch.tensor([actions]))[0]
    return policy.logits[context, nodes].log_softmax(-1)


def taken(policy, actions, context=0):
    return steps(policy, actions, context)[torch.arange(3), torch.tensor(actions)]


def value_and_gradient(recipe, policy, views):
    """What a recipe says of the pair, measured as the loop measures it."""
    batch, names = collate([pair()]), wanted_by(term.loss for term in recipe.terms)
    attach_views(batch, names, views, 1000)
    given = gather(batch, names, policy, views)
    loss = sum(term.weight * call(term.loss, given).sum() for term in recipe.terms)
    return loss, torch.autograd.grad(loss, policy.logits)[0]


def same(recipe, policy, views, by_hand):
    loss, gradient = value_and_gradient(recipe, policy, views)
    torch.testing.assert_close(loss, by_hand)
    torch.testing.assert_close(gradient, torch.autograd.grad(by_hand, policy.logits)[0])


def test_tdpo_holds_the_rejected_sides_kl_and_only_that():
    policy, ref = policies(0, 1)
    ref.module.requires_grad_(False)
    score = {}
    for side, actions in (("chosen", CHOSEN), ("rejected", (*REJECTED, 3))):
        kl = (steps(ref, actions).exp() * (steps(ref, actions) - steps(policy, actions))).sum()
        ratio = (taken(policy, actions) - taken(ref, actions)).sum()
        score[side] = ratio + 0.5 * (kl.detach() if side == "chosen" else kl)
    same(tdpo.recipe, policy, {"ref": ref}, -logsigmoid(0.1 * (score["chosen"] - score["rejected"])))


def test_tgdpo_weighs_steps_by_what_the_guide_thinks_of_them():
    policy, ref, guide = policies(0, 1, 2)
    score = {}
    for side, sign, actions in (("chosen", 1, CHOSEN), ("rejected", -1, (*REJECTED, 3))):
        reward = 0.1 * (taken(guide, actions) - taken(ref, actions)).detach()
        score[side] = (0.1 * (1 + sign * 0.5 * reward) * (taken(policy, actions) - taken(ref, actions).detach())).sum()
    same(tgdpo.recipe, policy, {"ref": ref, "guide": guide}, -logsigmoid(score["chosen"] - score["rejected"]))


def test_t_reg_asks_the_reference_twice_and_fades_with_the_pair():
    policy, ref = policies(0, 1)
    views = {"ref": ref, "better": Prompted(ref, lambda context: context + 1), "worse": Prompted(ref, lambda context: context + 2)}
    ratio, drawn = {}, 0
    for side, actions in (("chosen", CHOSEN), ("rejected", (*REJECTED, 3))):
        ratio[side] = 0.1 * (taken(policy, actions) - taken(ref, actions).detach()).sum()
        reward = (taken(ref, actions, 1) - taken(ref, actions, 2)).sigmoid().detach() - 0.5
        drawn = drawn - (0.1 * reward * taken(policy, actions)).sum()
    gap = ratio["chosen"] - ratio["rejected"]
    same(t_reg.recipe, policy, views, -logsigmoid(gap) + 0.25 * torch.sigmoid(-gap).detach() * drawn)


@pytest.mark.parametrize("recipe", [tdpo.recipe, tgdpo.recipe, t_reg.recipe], ids=["tdpo", "tgdpo", "t_reg"])
def test_the_recipes_train_a_language_model(recipe):
    policy = SmallLanguageModel("abc+->", layers=1, hidden=16, heads=2, context_length=12).build(0)
    first, second, mark = (tuple(policy.tokenizer.encode(text, add_special_tokens=False)) for text in ("abcab", "cca", "+"))
    rows = [Example({"chosen": Side(first[:2], first[2:], (True,) * 3), "rejected": Side(first[:2], second, (True,) * 3)})] * 4
    ref = policy.reference()
    models = {"guide": ref, "better": Prompted(ref, Before(mark)), "worse": ref}
    fitted = fit(policy, rows, Recipe(recipe.terms, AdamW(0.01)), Budget(steps=8, batch_size=4), models=models)
    losses = [step["loss"] for step in fitted.history if "loss" in step]
    assert losses[-1] < losses[0]


def test_a_stage_binds_the_model_of_an_earlier_one_to_a_view():
    world, budget = Comparisons(GoldReward(), 32), Budget(steps=2, batch_size=16)
    small = SmallLanguageModel(GoldReward().characters, layers=1, hidden=16, heads=2, context_length=24)
    first = Stage("dpo", FitJob(Recipe(dpo.recipe.terms, AdamW(0.01)), world, budget))
    guided = Recipe(tgdpo.recipe.terms, AdamW(0.01))
    done = Pipeline(small, first, Stage("tgdpo", FitJob(guided, world, budget, views={"guide": "dpo"}))).run(0, cached=False)
    by_hand = small.build(0)
    fit(by_hand, examples(world.train(), encoder_for(by_hand)), guided, budget, models={"guide": done["dpo"].model})
    for name, parameter in by_hand.module.named_parameters():
        assert torch.equal(parameter, dict(done["tgdpo"].model.module.named_parameters())[name])
    with pytest.raises(InputError, match="the view 'guide' is bound to"):
        Pipeline(small, first, Stage("tgdpo", FitJob(guided, world, budget, views={"guide": "dop"}))).run(0, cached=False)


def test_a_prompted_model_measures_answers_to_the_other_context():
    policy = SmallLanguageModel("abc+>", layers=1, hidden=16, heads=2, context_length=12).build(0)
    mark, prompt, answer = (tuple(policy.tokenizer.encode(text, add_special_tokens=False)) for text in ("+", "ab>", "cab"))
    plain, marked = (collate([Example({"": Side(context, answer, (True,) * 3)})]).sides[""] for context in (prompt, (*mark, *prompt)))
    asked = Prompted(policy, Before(mark))
    torch.testing.assert_close(asked.measure(plain, {"logp"})["logp"], policy.measure(marked, {"logp"})["logp"])
    assert not torch.allclose(asked.measure(plain, {"logp"})["logp"], policy.measure(plain, {"logp"})["logp"])
    assert asked.module is policy.module and asked.packed == policy.packed
    assert plain.contexts[0].tolist() == list(prompt)  # the caller's own is left alone
