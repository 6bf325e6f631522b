"""Loops in which rollouts are compared: which pairs are made of them, what judges say, who acts."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.data.pairing.all_pairs import AllPairs
from guerdon.data.pairing.best_worst import BestWorst
from guerdon.data.pairing.consecutive import Consecutive
from guerdon.data.pairing.least_certain import LeastCertain
from guerdon.errors import InputError
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.feedback.judges.function import Function
from guerdon.feedback.judges.simulated_annotator import SimulatedAnnotator
from guerdon.feedback.rewards.win_rate import WinRate
from guerdon.feedback.running import RewardRunner
from guerdon.interfaces.cli import main
from guerdon.interfaces.configuration import named_recipe
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.square import Square
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.labels.soft import Soft
from guerdon.losses.on_actor import OnActor
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.tabular import Tabular
from guerdon.models.language.lora import Lora
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.quantities import Name
from guerdon.randomness import generator
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.sequences import Batch, Decoding, Sequences
from guerdon.tasks.encoding import Encoder
from guerdon.training.comparing import Comparing
from guerdon.training.judging import FiniteScene, TextScene
from guerdon.training.learner import mask_of, step_weights
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.tally import Tally
from guerdon.training.updates.reset_reference import ResetReference
from guerdon.worlds.finite.contextual_bandit import ContextualBandit
from guerdon.worlds.finite.cyclic_preference import CyclicPreference

BANDIT = ContextualBandit(contexts=2, actions=4, seed=3)


def run(world, recipe, steps=20, deviation=0.5, rows=None, **budget):
    policy = world.policy(deviation=deviation, seed=1).build()
    budget = Budget(steps=steps, batch_size=2, **budget)
    out = improve(policy, FiniteScene(world), rows or world.train(), recipe, budget, Decoding(1), held_out=world.test())
    return policy, out.history


def compared(loss, reward, judge=None, actions=None, pairing=Consecutive()):
    """The batch that a recipe makes of one group with these rewards, and what was counted."""
    n = len(reward)
    actions = torch.arange(n) if actions is None else torch.tensor(actions)
    mask, zero = torch.ones(n, 1, dtype=torch.bool), torch.zeros(n, dtype=torch.long)
    quantities = {"reward": torch.tensor(reward, dtype=torch.float64), "group": zero, "shown": torch.arange(n)}
    rollouts = Sequences([torch.tensor([0])], zero, actions.unsqueeze(-1), mask, mask.sum(-1), quantities)
    recipe = Recipe((Term(loss),), pairing=pairing, judge=judge)
    shown = [("p", str(a)) for a in actions.tolist()]
    tally = Tally()
    state = judge.init() if hasattr(judge, "init") else None
    names = {Name.parse(name) for name in loss.needs() | loss.wants()}
    batch, state = Comparing(FiniteScene(BANDIT), recipe, names)(rollouts, {}, shown, recipe, 0, state, tally)
    return batch, tally.means(), state


DPO, SOFT = Pairwise(LogRatio(), Logistic()), Pairwise(LogRatio(), Logistic(), label=Soft())


def test_the_higher_reward_is_chosen_and_equal_ones_are_not_compared():
    batch, counted, _ = compared(DPO, [0.0, 1.0, 2.0, 2.0, 5.0, 3.0])
    assert batch.sides["chosen"].actions.flatten().tolist() == [1, 4]
    assert batch.sides["rejected"].actions.flatten().tolist() == [0, 5]
    assert (
        counted["pairs/asked"] == 3 and counted["pairs/decided"] == pytest.approx(2 / 3) and counted["pairs/ties"] == pytest.approx(1 / 3)
    )
    assert not batch.quantities, "DPO would read a margin if it were there"


def test_ties_are_kept_for_losses_that_read_them():
    batch, _, _ = compared(SOFT, [2.0, 2.0, 5.0, 3.0])
    assert batch.quantities["preference"].tolist() == [0.5, 1.0]


def test_margins_are_there_for_losses_that_need_them():
    batch, _, _ = compared(Pairwise(LogRatio(), Square(target=None)), [1.0, 4.0])
    assert batch.quantities["margin"].tolist() == [3.0]


def test_the_same_answer_twice_is_not_asked():
    batch, counted, _ = compared(DPO, [1.0, 0.0, 2.0, 5.0], actions=[3, 3, 1, 2])
    assert counted["pairs/asked"] == 1 and len(batch) == 1


def test_an_annotator_stops_at_its_budget_and_its_noise_is_seen():
    judge = SimulatedAnnotator(rationality=float("inf"), flip=1.0, budget=1)
    batch, counted, state = compared(DPO, [0.0, 1.0, 2.0, 5.0], judge)
    assert batch.sides["chosen"].actions.flatten().tolist() == [0]  # noted down the wrong way round
    assert counted["pairs/agreement"] == 0 and counted["pairs/decided"] == 0.5 and state == {"asked": 1}


def test_a_function_reads_texts():
    def higher_number(prompts, firsts, seconds):
        assert prompts == ["p"]
        return [float(int(a) > int(b)) for a, b in zip(firsts, seconds, strict=True)]

    batch, _, _ = compared(DPO, [9.0, 0.0], Function(higher_number), actions=[1, 3])
    assert batch.sides["chosen"].actions.flatten().tolist() == [3]


@pytest.mark.parametrize("pairing", [Consecutive(), AllPairs(), BestWorst(), LeastCertain(count=2)])
def test_online_dpo_goes_to_the_kl_regularised_optimum(pairing):
    beta = 0.5
    recipe = replace(
        online_dpo,
        terms=(Term(Pairwise(LogRatio(beta), Logistic())),),
        sampler=Group(8),
        pairing=pairing,
        judge=SimulatedAnnotator(),
        optimiser=AdamW(0.02),
    )
    policy, history = run_wide(recipe)
    for x in range(2):
        start = BANDIT.policy(deviation=0.5, seed=1).build().probabilities(x).detach()
        optimum = KLRegularisedOptimum(beta)(BANDIT.rewards()[x], start)["policy"]
        end = policy.probabilities(x).detach()
        assert float((end - optimum).abs().sum()) < 0.5 * float((start - optimum).abs().sum())
    assert history[-1]["eval/expected_reward"] > history[0]["eval/expected_reward"]


def run_wide(recipe):
    policy = BANDIT.policy(deviation=0.5, seed=1).build()
    scene, budget = FiniteScene(BANDIT), Budget(steps=200, batch_size=16)
    out = improve(policy, scene, BANDIT.train(), recipe, budget, Decoding(1), held_out=BANDIT.test())
    return policy, out.history


def test_terms_may_read_pairs_and_rollouts():
    from guerdon.credit.advantages.group_centred import GroupCentred

    terms = (Term(DPO), Term(OnSide(NegativeLogLikelihood()), weight=0.1), Term(Reinforce(), data="rollouts"))
    recipe = replace(online_dpo, terms=terms, advantage=GroupCentred(scale=None), sampler=Group(4), optimiser=AdamW(0.05))
    _, history = run(BANDIT, recipe)
    assert {"losses/pairwise", "losses/on_side", "losses/reinforce", "rewards/margins"} <= set(history[-1])


def test_a_game_is_compared_by_its_own_preference_and_tells_how_exploitable_a_policy_is():
    world = CyclicPreference(contexts=2)
    recipe = replace(online_dpo, judge=SimulatedAnnotator(), sampler=Group(4), pairing=AllPairs(), optimiser=AdamW(0.05))
    policy, history = run(world, recipe, deviation=1.0)
    assert history[-1]["pairs/agreement"] == 1  # a certain preference
    mask = torch.ones(2, 1, dtype=torch.bool)
    rock, paper = (
        Sequences([torch.tensor([0])], torch.zeros(2, dtype=torch.long), torch.full((2, 1), a), mask, mask.sum(-1)) for a in (0, 1)
    )
    assert (FiniteScene(world).odds(paper, rock) > 20).all(), "paper always beats rock"
    assert history[0]["eval/exploitability"] > 0.1
    played = torch.stack([policy.probabilities(x).detach() for x in range(2)])
    lead = (world.preference() @ played.unsqueeze(-1)).squeeze(-1).amax(-1) - 0.5
    assert history[-1]["eval/exploitability"] == pytest.approx(float(2 * lead.mean()))


def test_an_answer_of_a_game_is_worth_its_share_of_wins():
    world = CyclicPreference(strength=1.0)
    one = torch.ones(4, 1, dtype=torch.bool)
    rollouts = Sequences([torch.tensor([0])], torch.zeros(4, dtype=torch.long), torch.tensor([[0], [1], [1], [2]]), one, one.sum(-1))
    # 1 beats 0, 2 beats 1, 0 beats 2
    assert world.reward_of(rollouts).tolist() == pytest.approx([1 / 3, 0.5, 0.5, 2 / 3])


def test_iterates_are_views_that_updates_write():
    recipe = replace(
        online_dpo,
        terms=(Term(Pairwise(LogRatio(0.5), Logistic())), Term(Previous())),
        optimiser=AdamW(0.05),
        updates=(ResetReference(every=1, into="previous"),),
    )
    _, history = run(BANDIT, recipe, steps=6)
    assert history[1]["losses/test_comparing"] == 0.0
    assert all(h["updates/previous_distance"] == 0 for h in history[1:])
    assert history[-1]["losses/test_comparing"] == 0.0, "one step after the reset the policy is what was copied"


def test_updates_count_gradient_steps_and_not_those_of_the_loop():
    recipe = replace(
        online_dpo, sampler=Group(4), pairing=AllPairs(), optimiser=AdamW(0.05), minibatches=4, updates=(ResetReference(every=6),)
    )
    _, history = run(
        ContextualBandit(contexts=2, actions=99), recipe, steps=3
    )  # 4, 8 and 12 gradient steps: the sixth and the twelfth are in the second and third
    assert [step["updates/ref_distance"] == 0 for step in history[1:]] == [False, True, True]


class Previous:
    """The log-ratio to the previous iterate, of what was chosen."""

    per_item = True

    def __call__(self, chosen_logp, chosen_previous_logp):
        return (chosen_logp - chosen_previous_logp).sum(-1)


# who acts


def test_a_table_beyond_another():
    one, other = (Tabular(2, 4, deviation=1.0, seed=s).build() for s in (0, 1))
    beyond = one.mixed(other, -0.5).log_probabilities().detach()
    wanted = (1.5 * one.log_probabilities() - 0.5 * other.log_probabilities()).log_softmax(-1).detach()
    torch.testing.assert_close(beyond, wanted)
    torch.testing.assert_close(one.mixed(other, 1.0).log_probabilities(), other.log_probabilities().detach())
    with pytest.raises(InputError, match="same contexts and tree"):
        one.mixed(Tabular(1, 4).build(), 0.5)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0, -0.5])
def test_language_models_mix_their_logits_at_every_step(weight):
    one, other = (SmallLanguageModel("abcd", layers=2).build(seed) for seed in (0, 1))
    contexts, context = [torch.tensor([1, 2]), torch.tensor([3])], torch.tensor([0, 0, 1])
    uniforms = torch.rand(3, 6, generator=torch.Generator().manual_seed(0))
    drawn = one.mixed(other, weight).sample(contexts, context, Decoding(6), uniforms)
    for b in range(3):
        tokens = contexts[int(context[b])].tolist()
        for t in range(int(drawn.length[b])):
            logits = [p.module(torch.tensor([tokens])).logits[0, -1].float() for p in (one, other)]
            logp = ((1 - weight) * logits[0].log_softmax(-1) + weight * logits[1].log_softmax(-1)).log_softmax(-1)
            action = int(drawn.actions[b, t])
            assert float(drawn.quantities["old_logp"][b, t]) == pytest.approx(float(logp[action]), abs=1e-4)
            below = logp.exp().cumsum(-1)
            assert below[action] - logp[action].exp() - 1e-4 <= uniforms[b, t] <= below[action] + 1e-4
            tokens.append(action)


def test_actors_stand_where_their_weights_say():
    policy, reference = (Tabular(2, 4, deviation=1.0, seed=s).build() for s in (0, 1))
    weights = (0.0, -0.5, 0.25, 1.0)
    drawn = Interpolated(weights, num_generations=3)(
        policy, [torch.tensor([0]), torch.tensor([1])], Decoding(1), 0, views={"ref": reference}
    )
    assert (
        drawn.context.tolist() == [0] * 12 + [1] * 12 and drawn.quantities["actor"].tolist() == [k for k in range(4) for _ in range(3)] * 2
    )
    for b, k in enumerate(drawn.quantities["actor"].tolist()):
        logits = (1 - weights[k]) * policy.log_probabilities() + weights[k] * reference.log_probabilities()
        wanted = logits.log_softmax(-1)[drawn.context[b], drawn.actions[b, 0]]
        assert float(drawn.quantities["old_logp"][b, 0]) == pytest.approx(float(wanted.detach()))


def test_each_actor_answers_each_prompt():
    recipe = replace(online_dpo, sampler=Interpolated((0.0, 0.0, -0.5, 0.5)), optimiser=AdamW(0.05))
    _, history = run(BANDIT, recipe, steps=3)
    assert history[-1]["completions/mean_length"] == 1 and history[-1]["num_tokens"] == 2 * 4 * 2


def test_a_view_that_nothing_binds_cannot_act():
    with pytest.raises(InputError, match="'teacher' is to act"):
        run(BANDIT, replace(online_dpo, sampler=Interpolated((0.0, 1.0), view="teacher")))


@pytest.mark.parametrize("name", ["online_dpo", "xpo", "selm", "vpo", "pilaf", "inpo", "dno", "spo", "nash_md"])
@pytest.mark.parametrize("world", [BANDIT, CyclicPreference(contexts=2)], ids=["bandit", "game"])
def test_online_recipes_run(name, world):
    recipe, rows = named_recipe(name), [row | {"chosen": [1], "rejected": [0]} for row in world.train()]
    _, history = run(world, replace(recipe, optimiser=AdamW(0.01)), steps=5, rows=rows)
    assert any("loss" in step for step in history[1:])  # no step is made where every pair is one answer twice


def test_answers_of_the_data_are_judged_beside_the_policys_own():
    """SELM on text: in every step each prompt has its greedy answer, which nothing random enters, and the row's two."""
    policy = SmallLanguageModel("abcd>", layers=1, hidden=16, heads=2, context_length=16).build(0)
    seen = []

    class Watched(TextScene):
        def judge(self, rollouts, rows, seed, begun=None, watching=True):
            seen.append(super().judge(rollouts, rows, seed, begun, watching))
            return seen[-1]

    def longer(prompts, completions):
        return [float(len(completion)) for completion in completions]

    rows = [{"prompt": prompt, "chosen": "abc", "rejected": said} for prompt, said in (("ab>", "ba"), ("cd>", "d"))]
    recipe = replace(named_recipe("selm"), optimiser=AdamW(0.01))
    scene = Watched(Encoder(policy.tokenizer, policy.context_length), RewardRunner({"longer": longer}))
    history = improve(policy, scene, rows, recipe, Budget(steps=1, batch_size=2), Decoding(4)).history
    by_prompt = {}
    for prompt, completion in zip(seen[-1].prompts, seen[-1].completions, strict=True):
        by_prompt.setdefault(prompt, []).append(completion)
    assert {prompt: said[1:] for prompt, said in by_prompt.items()} == {"ab>": ["abc", "ba"], "cd>": ["abc", "d"]}
    greedy = {prompt: said[0] for prompt, said in by_prompt.items()}
    fresh = SmallLanguageModel("abcd>", layers=1, hidden=16, heads=2, context_length=16).build(0)
    for prompt, said in greedy.items():
        tokens = torch.tensor(scene.encoder.encode_prompt(prompt))
        drawn = fresh.sample([tokens], torch.tensor([0]), Decoding(4, temperature=0.0), torch.zeros(1, 4))
        assert scene.encoder.decode(drawn.actions[0, : int(drawn.length[0])].tolist()) == said
    assert history[-1]["pairs/asked"] >= 1 and "losses/on_actor" in history[-1]
    with pytest.raises(InputError, match=r"row 0 of the task .* has no answer in the column 'rejected'"):
        improve(policy, scene, [{"prompt": "ab>", "chosen": "abc"}], recipe, Budget(steps=1, batch_size=1), Decoding(4))
    with pytest.raises(InputError, match="has no answer in the column 'chosen'"):
        run(BANDIT, recipe)


def test_the_groups_of_a_batch_do_not_meet_though_their_prompt_is_the_same():
    """One context, asked twice: a share of wins is over the others of the own group, in a game and in ``win_rate``."""
    world, one = CyclicPreference(strength=1.0), torch.ones(4, 1, dtype=torch.bool)
    contexts = [torch.tensor([0]), torch.tensor([0])]
    rollouts = Sequences(contexts, torch.tensor([0, 0, 1, 1]), torch.tensor([[0], [1], [1], [2]]), one, one.sum(-1))
    assert world.reward_of(rollouts).tolist() == pytest.approx([0, 1, 0, 1])
    policy = SmallLanguageModel("abcd>", layers=1, hidden=16, heads=2, context_length=16).build(0)

    def first(prompts, firsts, seconds):  # by the alphabet, so that only the own group decides who wins
        return [0.5 if a == b else float(a < b) for a, b in zip(firsts, seconds, strict=True)]

    scene = TextScene(Encoder(policy.tokenizer, policy.context_length), RewardRunner({"wins": WinRate(first)}))
    rows = [{"prompt": "ab>"}] * 2
    said = policy.sample(scene.contexts(rows), torch.tensor([0, 0, 1, 1]), Decoding(3), torch.rand(4, 3, generator=generator(0, "u")))
    judged = scene.judge(said, rows, 0)
    texts, wins = judged.completions, judged.scored.components["wins"].tolist()
    assert len(set(texts)) == 4, "four different answers"
    assert wins == [float(texts[0] < texts[1]), float(texts[1] < texts[0]), float(texts[2] < texts[3]), float(texts[3] < texts[2])]
    scene.close()


def test_optimism_is_the_likelihood_of_what_the_reference_said():
    """One step of XPO's second term alone, on one context: the gradient is that of the mean of log policy over the reference's answers."""
    xpo = named_recipe("xpo")
    recipe = replace(xpo, terms=(replace(xpo.terms[1], weight=-1.0), Term(Pairwise(LogRatio(0.0), Logistic()))), optimiser=AdamW(1e-3))
    policy, history = run(ContextualBandit(contexts=2, actions=30), recipe, steps=1, deviation=1.0)
    start = ContextualBandit(contexts=2, actions=30).policy(deviation=1.0, seed=1).build().log_probabilities()[0].detach()
    moved = policy.log_probabilities()[0].detach() - start
    assert history[1]["losses/on_actor"] > 0 > float((moved * start.exp()).sum())


def test_rollouts_teach_even_where_no_pair_of_them_is_compared():
    """A world with one answer: nothing can be compared, and terms on the rollouts go on."""
    recipe = replace(named_recipe("xpo"), optimiser=AdamW(0.01))
    _, history = run(ContextualBandit(contexts=2, actions=1), recipe, steps=2)
    assert all(step["pairs/asked"] == 0 and "losses/on_actor" in step and "losses/pairwise" not in step for step in history[1:])
    _, history = run(ContextualBandit(contexts=2, actions=1), online_dpo, steps=2)
    assert all(step["empty_steps"] == 1 for step in history[1:])


def test_averages_of_an_actor_are_over_what_it_drew():
    loss = OnActor(NegativeLogLikelihood(), actor=1)
    batch = Batch({"": Sequences([torch.tensor([0])], *TWO, {"actor": torch.tensor([0, 1])})})
    assert mask_of(Term(loss), batch).tolist() == [[False, False], [True, True]]
    assert step_weights(Term(loss), batch).tolist() == [[0, 0], [0.5, 0.5]]


TWO = (torch.zeros(2, dtype=torch.long), torch.zeros(2, 2, dtype=torch.long), torch.ones(2, 2, dtype=torch.bool), torch.tensor([2, 2]))


@pytest.mark.parametrize("place", range(2))
def test_the_examples_of_the_page_train(place, tmp_path, monkeypatch):
    page = Path(__file__).parents[1] / "docs/online-preferences.md"
    text = re.findall(r"^```yaml[^\n]*\n(.*?)^```$", page.read_text(), re.M | re.S)
    assert len(text) >= 2
    monkeypatch.chdir(tmp_path)
    (tmp_path / "judges.py").write_text(
        "def shorter(prompts, firsts, seconds):\n    return [float(len(a) < len(b)) for a, b in zip(firsts, seconds)]\n"
    )
    (tmp_path / "run.yaml").write_text(text[place])
    model = "model={part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 24}"
    sizes = ["budget={steps: 2, batch_size: 4, evaluation_rows: 2}", "decoding={max_completion_length: 5}", "run=run"]
    assert main(["train", "run.yaml", model, *sizes]) == 0
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])
    assert last["pairs/asked"] > 0 and "rewards/accuracies" in last


def test_a_mixture_with_adapters_switched_off_is_one_of_both():
    policy = SmallLanguageModel("abcd", layers=1, hidden=16, heads=2).build(0)
    policy.module = Lora(r=2).wrap(policy.module, 0)
    reference = policy.reference()
    with torch.no_grad():
        for name, parameter in policy.module.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 1)
    contexts, context, uniforms = (
        [torch.tensor([1, 2])],
        torch.zeros(4, dtype=torch.long),
        torch.rand(4, 5, generator=torch.Generator().manual_seed(0)),
    )
    drawn = {w: policy.mixed(reference, w).sample(contexts, context, Decoding(5), uniforms) for w in (0.0, 0.5, 1.0)}
    for weight, alone in ((0.0, policy), (1.0, reference)):
        wanted = alone.sample(contexts, context, Decoding(5), uniforms)
        assert torch.equal(drawn[weight].actions, wanted.actions)
        torch.testing.assert_close(drawn[weight].quantities["old_logp"], wanted.quantities["old_logp"], atol=1e-4, rtol=1e-4)
    assert not torch.equal(drawn[0.0].quantities["old_logp"], drawn[1.0].quantities["old_logp"])
