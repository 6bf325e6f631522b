"""Search by steps: on trees in which the answer is known by enumeration, with every token counted, and on a language model with a trained scorer of steps."""

import json
from collections import Counter
from dataclasses import dataclass

import pytest
import torch

from guerdon.acting.descents.puct import PUCT
from guerdon.acting.descents.uct import UCT
from guerdon.acting.samplers._walking import Beginning, Pace, Walk
from guerdon.acting.samplers.early_rejection import EarlyRejection
from guerdon.acting.samplers.particles import Particles
from guerdon.acting.samplers.step_beam import StepBeam
from guerdon.acting.samplers.tree_search import TreeSearch
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.segments.after_actions import AfterActions
from guerdon.credit.segments.after_text import AfterText
from guerdon.credit.segments.entropy_peaks import EntropyPeaks
from guerdon.credit.segments.every_n import EveryN
from guerdon.errors import InputError
from guerdon.feedback.aggregating.mean import Mean
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.rewards.length import Length
from guerdon.feedback.rewards.step_scorer import ShareOf, StepScorer
from guerdon.feedback.running import RewardRunner
from guerdon.interfaces.cli import main
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.tasks.encoding import Encoder
from guerdon.training.judging import FiniteScene, TextScene
from guerdon.training.loops.improve import improve
from guerdon.training.loops.search import search
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.random_tree import RandomTree

WORLD = RandomTree(contexts=2, vocabulary=3, depth=4, end=2)
PROMPTS = [torch.tensor([0]), torch.tensor([1])]
TOKEN = EveryN(1)


def tabular(deviation=0.5):
    return PrefixTable(2, 3, 4, end=2, deviation=deviation, seed=1).build()


def ended(sequences):
    last = sequences.actions.gather(1, (sequences.length - 1).unsqueeze(-1)).squeeze(-1)
    return (last == 2) | (sequences.length == 4)


def only_outcomes(sequences):
    """The reward of what has ended, and 0 of what has not."""
    done = ended(sequences)
    out = torch.zeros(len(sequences), dtype=torch.float64)
    if done.any():
        rows = done.nonzero().flatten()
        out[rows] = WORLD.reward_of(sequences.select(rows))
    return out


def best_to_come(sequences):
    """The highest reward that a beginning can still lead to."""
    rewards, actions, length = WORLD.rewards(), WORLD.tree.actions, WORLD.tree.length
    out = []
    for b, n in enumerate(sequences.length.tolist()):
        below = (actions[:, :n] == sequences.actions[b, :n]).all(-1) & (length >= n)
        out.append(rewards[int(sequences.contexts[int(sequences.context[b])][0]), below].max())
    return torch.stack(out)


class Counted:
    """A policy and a score that count what is asked of them."""

    def __init__(self, policy, score):
        self.policy, self.score, self.drawn, self.read = policy, score, Counter(), Counter()
        self.tree = policy.tree

    def sample(self, contexts, context, decoding, uniforms):
        out = self.policy.sample(contexts, context, decoding, uniforms)
        for place, n in zip(context.tolist(), out.length.tolist(), strict=True):
            self.drawn[int(contexts[place][0])] += n
        return out

    def __call__(self, sequences):
        for place, n in zip(sequences.context.tolist(), sequences.length.tolist(), strict=True):
            self.read[int(sequences.contexts[place][0])] += n
        return self.score(sequences)


SAMPLERS = (
    StepBeam(2, width=3, expansions=2, steps=AfterActions((1,)), at_once=2),
    StepBeam(1, width=2, expansions=3, lookahead=2, steps=TOKEN),
    EarlyRejection(2, width=2, expansions=3, tokens=1, steps=AfterActions((1,)), at_once=3),
    Particles(3, num_particles=5, steps=EveryN(2)),
    Particles(3, num_particles=5, telescoped=True, pick="drawn", steps=TOKEN),
    TreeSearch(2, simulations=7, expansions=2, steps=TOKEN),
    TreeSearch(3, simulations=5, expansions=3, rollouts=2, descent=UCT(), steps=AfterActions((0,))),
)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: f"{type(s).__name__}-{type(s.steps).__name__}-{s.at_once}")
def test_every_token_that_was_drawn_or_scored_is_counted_and_answers_are_what_the_policy_says(sampler):
    counted = Counted(tabular(), only_outcomes)
    found = sampler(counted, PROMPTS, Decoding(4), 3, score_prefix=counted)
    for prompt in range(2):
        own = found.context == prompt
        assert int(own.sum()) == sampler.num_generations
        assert float(found.quantities["drawn_tokens"][own].sum()) == pytest.approx(counted.drawn[prompt])
        assert float(found.quantities["scored_tokens"][own].sum()) == pytest.approx(counted.read[prompt])
    assert ended(found).all()
    torch.testing.assert_close(found.quantities["old_logp"], tabular().measure(found, {"logp"})["logp"].detach())
    torch.testing.assert_close(found.quantities["score"], WORLD.reward_of(found))
    again = sampler(tabular(), PROMPTS[:1], Decoding(4), 3, score_prefix=only_outcomes)  # whatever the batch holds besides
    alone = found.select(found.context == 0)
    assert torch.equal(again.actions, alone.actions) and torch.equal(again.quantities["drawn_tokens"], alone.quantities["drawn_tokens"])


def test_a_beam_of_steps_that_is_wide_enough_finds_the_best_of_all():
    found = StepBeam(width=27, expansions=20, steps=TOKEN)(tabular(), PROMPTS, Decoding(4), 0, score_prefix=only_outcomes)
    torch.testing.assert_close(found.quantities["score"], WORLD.rewards().max(-1).values)


def test_a_narrow_beam_finds_it_too_where_the_scorer_knows_what_is_to_come_and_loses_it_where_it_does_not():
    policy, best = tabular(), WORLD.rewards().max(-1).values
    knowing = StepBeam(width=1, expansions=30, steps=TOKEN)(policy, PROMPTS, Decoding(4), 0, score_prefix=best_to_come)
    torch.testing.assert_close(knowing.quantities["score"], best)
    blind = StepBeam(width=1, expansions=30, steps=TOKEN)(policy, PROMPTS, Decoding(4), 0, score_prefix=only_outcomes)
    assert (blind.quantities["score"] < best - 0.1).any()


def test_looking_ahead_to_the_end_scores_a_way_by_what_greedy_answers_earn():
    policy = tabular(2.0)
    seen = []

    def score(sequences):
        seen.append(sequences)
        return WORLD.reward_of(sequences)  # refuses what has not ended

    StepBeam(width=2, expansions=4, lookahead=4, steps=TOKEN)(policy, PROMPTS, Decoding(4), 0, score_prefix=score)
    assert len(seen) > 1
    for depth, sequences in enumerate(seen, 1):
        for b, n in enumerate(sequences.length.tolist()):
            said = sequences.actions[b, :n]
            likeliest = policy.logits[int(sequences.context[b]), policy.tree.nodes(said.unsqueeze(0))[0]].argmax(-1)
            assert torch.equal(said[depth:], likeliest[depth:])  # behind what the beam itself has drawn


def tilted(policy, weights):
    logits = policy.log_probabilities().detach() + weights
    return logits.softmax(-1)


def beginnings(score):
    """[2, S], the sum over the beginnings of each sequence of what is said of them."""
    tree, out = WORLD.tree, torch.zeros(2, WORLD.tree.size, dtype=torch.float64)
    for prompt in range(2):
        for t in range(1, 5):
            rows = (tree.length >= t).nonzero().flatten()
            part = tree.sequences(prompt).select(rows)
            cut = part.__class__(
                [torch.tensor([prompt])], part.context * 0, part.actions[:, :t], part.mask[:, :t], part.length.clamp(max=t)
            )
            out[prompt, rows] += score(cut)
    return out


@pytest.mark.parametrize("telescoped", [True, False])
def test_many_particles_have_the_tilted_distribution(telescoped):
    policy, many = tabular(), 2000

    def score(sequences):  # says something of every beginning
        return torch.where(ended(sequences), only_outcomes(sequences), 0.5 * best_to_come(sequences))

    sampler = Particles(many, many, odds=False, telescoped=telescoped, pick="drawn", steps=TOKEN)
    found = sampler(policy, PROMPTS, Decoding(4), 0, score_prefix=score)
    ends = WORLD.rewards()
    # what has ended is weighed again as long as others go on, where each weighing is by the whole score
    lasting = beginnings(score) + (4 - WORLD.tree.length) * ends
    exact = tilted(policy, ends if telescoped else lasting)
    for prompt in range(2):
        own = found.select(found.context == prompt)
        share = torch.bincount(WORLD.tree.index(own.actions, own.length), minlength=WORLD.tree.size) / many
        assert (share - exact[prompt]).abs().sum() < 0.18
        assert (share - policy.probabilities(prompt).detach()).abs().sum() > 0.3


def test_particles_weigh_probabilities_by_their_odds():
    weigh = Particles(temperature=2.0)._weight
    assert weigh(Beginning(0, score=0.8)) == pytest.approx(torch.log(torch.tensor(4.0)).item() / 2)
    assert weigh(Beginning(0, score=1.0)) == pytest.approx(18.02, abs=0.01) and weigh(Beginning(0, score=None)) == pytest.approx(
        -18.02, abs=0.01
    )


@pytest.mark.parametrize("descent", [PUCT(8.0), UCT()])
@pytest.mark.parametrize("rollouts", [0, 1])
def test_a_tree_search_finds_the_best_leaf(descent, rollouts):
    sampler = TreeSearch(simulations=150, expansions=12, rollouts=rollouts, descent=descent, steps=TOKEN)
    found = sampler(tabular(), PROMPTS, Decoding(4), 0, score_prefix=only_outcomes if rollouts else best_to_come)
    torch.testing.assert_close(found.quantities["score"], WORLD.rewards().max(-1).values)


def test_the_nodes_of_a_tree_hold_the_mean_of_what_was_found_below_them_and_their_ways_differ():
    (tree, _) = TreeSearch(simulations=40, expansions=4, steps=TOKEN).grow(tabular(), PROMPTS, Decoding(4), 0, score_prefix=best_to_come)
    assert tree.visits == 40
    for node in tree.nodes():
        assert len({child.said.actions for child in node.children}) == len(node.children)
        if node.visits > 1 and node.children:
            own = node.total - sum(child.total for child in node.children)
            visits = node.visits - sum(child.visits for child in node.children)
            assert visits == (0 if node is tree else 1)  # the visit in which it was reached
            assert own == pytest.approx(0.0 if node is tree else node.found)
    pairs = list(tree.siblings())
    assert pairs and all(ways[0].value >= ways[-1].value and len(ways) > 1 for _, ways in pairs)


@pytest.mark.parametrize("kind", [StepBeam, EarlyRejection])
def test_how_many_tokens_are_drawn_at_once_changes_what_is_dropped_and_nothing_else(kind):
    steps = AfterActions((1,))
    one, three = (
        kind(2, width=3, expansions=3, steps=steps, at_once=n)(tabular(), PROMPTS, Decoding(4), 0, score_prefix=only_outcomes)
        for n in (1, 3)
    )
    assert torch.equal(one.actions, three.actions)
    assert three.quantities["drawn_tokens"].sum() > one.quantities["drawn_tokens"].sum()
    assert torch.equal(one.quantities["scored_tokens"], three.quantities["scored_tokens"])


def test_a_step_ends_where_its_border_is_and_its_first_tokens_can_be_drawn_before_the_rest():
    policy, steps, numbers = tabular(), AfterActions((1,)), torch.rand(200, 4, generator=torch.Generator().manual_seed(0))
    walk = Walk(policy, PROMPTS, Decoding(4), Pace(steps, 2), only_outcomes)
    whole = walk.grown([Beginning(0)] * 200, numbers)
    assert {one.actions for one in whole} > {(1,), (0, 1), (2,)}
    for one in whole:
        assert 1 not in one.actions[:-1] and (one.ended or one.actions[-1] == 1) and one.whole
        assert one.ended == (one.actions[-1] == 2 or len(one.actions) == 4)
    begun = walk.grown([Beginning(0)] * 200, numbers, tokens=1)
    assert all(len(one.actions) == 1 and one.whole == (one.actions != (0,)) for one in begun)
    assert [one.actions for one in walk.grown(begun, numbers) if not one.begun] == [
        w.actions for w, b in zip(whole, begun, strict=True) if not b.whole or b.ended
    ]


def test_early_rejection_draws_and_scores_fewer_tokens_than_a_beam_of_whole_steps():
    sampler = {"width": 2, "expansions": 6, "steps": EveryN(4)}
    beam = StepBeam(**sampler)(tabular(), PROMPTS, Decoding(4), 0, score_prefix=best_to_come)
    early = EarlyRejection(**sampler, tokens=1)(tabular(), PROMPTS, Decoding(4), 0, score_prefix=best_to_come)
    for name in ("drawn_tokens", "scored_tokens"):
        assert (early.quantities[name] < beam.quantities[name]).all()


def test_a_score_that_does_not_apply_comes_last_and_one_of_another_shape_is_refused():
    def unknown(sequences):
        return torch.where(sequences.actions[:, 0] == 2, torch.nan, 0.0).double()

    for seed in range(4):
        found = StepBeam(width=1, expansions=12, steps=TOKEN)(tabular(), PROMPTS, Decoding(4), seed, score_prefix=unknown)
        assert (found.actions[:, 0] != 2).all()
    with pytest.raises(InputError, match="one number for each"):
        StepBeam(steps=TOKEN)(tabular(), PROMPTS, Decoding(4), 0, score_prefix=lambda s: torch.zeros(1))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: StepBeam(5, width=4), "1 to width"),
        (lambda: EarlyRejection(tokens=0), "tokens of 1"),
        (lambda: Particles(temperature=0.0), "temperature above 0"),
        (lambda: TreeSearch(simulations=0), "simulations"),
        (lambda: StepBeam(at_once=0), "at_once is 0"),
        (lambda: TreeSearch(steps=EntropyPeaks()), "reads proximal_entropy, which is not known while an answer is drawn"),
    ],
)
def test_what_cannot_be_searched_is_said(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_steps_of_text_need_a_policy_that_speaks():
    with pytest.raises(InputError, match="after_text reads text"):
        StepBeam(steps=AfterText())(tabular(), PROMPTS, Decoding(4), 0, score_prefix=only_outcomes)


# a language model


def speaking():
    policy = SmallLanguageModel("ab>\n", layers=1, hidden=16, heads=2, context_length=24).build(3)
    return policy, [torch.tensor(policy.tokenizer.encode(text, add_special_tokens=False)) for text in ("a>", "ba>")]


@pytest.mark.parametrize(
    "sampler",
    [
        StepBeam(2, width=3, expansions=3, at_once=3),
        EarlyRejection(1, width=2, expansions=3, tokens=2, at_once=4),
        Particles(4, 4, odds=False, temperature=0.1),
        TreeSearch(2, simulations=6, expansions=3, rollouts=1),
    ],
    ids=lambda s: type(s).__name__,
)
def test_a_language_model_is_searched_line_by_line(sampler):
    policy, prompts = speaking()
    shown = []

    def share_of_a(sequences):
        texts = [policy.tokenizer.decode(sequences.actions[b, :n]) for b, n in enumerate(sequences.length.tolist())]
        shown.extend(texts)
        return torch.tensor([text.count("a") / max(len(text), 1) for text in texts], dtype=torch.float64)

    found = sampler(policy, prompts, Decoding(12), 0, score_prefix=share_of_a)
    assert any("\n" in text for text in shown)
    logp = policy.measure(found, {"logp"})["logp"].detach()
    torch.testing.assert_close(found.quantities["old_logp"].float(), logp, rtol=1e-4, atol=1e-4)
    assert ((found.length == 12) | found.quantities["terminated"]).all()
    texts = ["".join(policy.token_text(found.actions[b, :n].tolist())) for b, n in enumerate(found.length.tolist())]
    drawn = sampler(policy, prompts, Decoding(12), 0, score_prefix=lambda s: torch.zeros(len(s)))
    chance = ["".join(policy.token_text(drawn.actions[b, :n].tolist())) for b, n in enumerate(drawn.length.tolist())]
    assert sum(t.count("a") / len(t) for t in texts) > sum(t.count("a") / len(t) for t in chance)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("reward", [None, Length(4, 4)])
def test_a_run_learns_from_answers_that_were_searched_for_and_says_what_they_cost(reward):
    policy, _ = speaking()
    scene = TextScene(Encoder(policy.tokenizer, policy.context_length), RewardRunner({"share": StepScorer(ShareOf("a"), Mean())}))
    sampler = StepBeam(2, width=2, expansions=2, reward=reward)
    recipe = Recipe((Term(Reinforce()),), sampler=sampler, advantage=GroupCentred())
    improved = improve(policy, scene, [{"prompt": "a>"}, {"prompt": "b>"}], recipe, Budget(steps=2, batch_size=2), Decoding(8))
    costs = [(row["search/drawn_tokens"], row["search/scored_tokens"]) for row in improved.history if "search/drawn_tokens" in row]
    assert len(costs) == 2 and all(drawn > 4 and scored > 4 for drawn, scored in costs)


def test_rows_are_searched_for_too_and_a_table_is_judged_by_a_reward_of_its_lists():
    sampler = StepBeam(width=1, expansions=20, steps=TOKEN, reward=Twos())
    found = search(tabular(), FiniteScene(WORLD), WORLD.train(), sampler, Weigh(), Decoding(4))
    assert [row["completions"] for row in found] == [[[2]], [[2]]]


@dataclass(frozen=True)
class Twos:
    def __call__(self, prompts, completions, **columns):
        return [completion.count(2) / len(completion) for completion in completions]


def test_answers_are_searched_for_on_the_command_line(runs, capsys):
    policy, _ = speaking()
    policy.save(runs / "model")
    asked = ["sample", "model", "-p", "a>", "-p", "ba>", "--max-completion-length", "8", "--json", "--sampler"]
    (runs / "search.yaml").write_text("part: step_beam\nwidth: 2\nexpansions: 3\nreward: {part: length, max_length: 4, cache: 4}\n")
    assert main([*asked, "search.yaml", "-n", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["prompt"] for row in found] == ["a>", "a>", "ba>", "ba>"]
    assert all(row["drawn_tokens"] > 0 and row["scored_tokens"] > 0 for row in found) and found[0]["score"] >= found[1]["score"]
    for how, said in (
        ("best_of_n", "needs score, which only a run has"),
        ("step_beam", "nothing that judges beginnings"),
        ("beam", "-n: Beam"),
    ):
        assert main([*asked, how, *(["-n", "2"] if how == "beam" else [])]) == 2
        assert said in capsys.readouterr().err.replace("\n", " ")
