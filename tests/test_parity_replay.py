"""Replay by success: the loss of replayed steps and the draw of buckets against ExGRPO's functions, and what a run with them does.

The numbers were computed by their own functions, in float64, on ``inputs(seed=0)`` of test_parity_objectives.py, of which rows 0 and 2 are replayed:

    mix_src/mix_core_alg.py, compute_token_on_off_policy_loss, with the options of exp_scripts/run_exgrpo.sh        ElliottYan/LUFFY, folder ExGRPO, 01f4ae066
    mix_src/experience/weighted_bucket_sampler.py, WeightedBucketSampler(..., 8, "normal").probabilities
"""

import dataclasses
from collections import Counter

import pytest
import torch
from torch.testing import assert_close

from guerdon.data.buffers.success_buckets import SuccessBuckets
from guerdon.data.lessons.failed_prompts import FailedPrompts
from guerdon.errors import InputError
from guerdon.interfaces.configuration import named_recipe
from guerdon.parts import call
from guerdon.recipes.exgrpo import recipe
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget
from guerdon.worlds.finite.needle import Needle
from test_parity_objectives import inputs

THEIRS = [
    *(-0.0133015693, -0.0126459946, 0.1356477359, 0.1008416772, 0.1613307027, 0.1395578927, 0.0039161591, 0.127935674),
    *(0.3205171799, 0.1823506276, 0.1580624626),
]
PROBABILITIES = {
    1: 0.00633722495855543,
    3: 0.34600075908099565,
    4: 0.570458811175228,
    6: 0.07720320478522086,
}  # of buckets by how many of 8 were right


def test_the_gradient_of_fresh_and_replayed_steps_is_theirs():
    q = inputs()
    logp = q["logp"].clone().requires_grad_()
    loss = call(recipe.terms[0].loss, q | {"logp": logp, "replayed": torch.tensor([1.0, 0.0, 1.0, 0.0])})
    (loss[q["mask"]].sum() / q["mask"].shape[1]).backward()
    assert_close(logp.grad[q["mask"]], torch.tensor(THEIRS, dtype=torch.float64), rtol=0, atol=1e-9)


def rollouts(actions: list[list[int]], context: list[int], right: list[int]) -> Sequences:
    ones = torch.ones(len(actions), dtype=torch.long)
    said = {"reward": torch.tensor(right, dtype=torch.float64), "old_logp": torch.zeros(len(actions), 1, dtype=torch.float64)}
    contexts = [torch.tensor([c]) for c in range(max(context) + 1)]
    return Sequences(contexts, torch.tensor(context), torch.tensor(actions), ones.bool().unsqueeze(-1), ones, said)


def sure_of_small(sequences: Sequences, name: str) -> torch.Tensor:
    assert name == "entropy"
    return sequences.actions.double()


def test_a_bucket_is_drawn_as_often_as_theirs_whatever_is_in_it():
    buckets = {1: 1, 3: 3, 4: 1, 6: 2}
    prompts = [(k, i) for k, n in buckets.items() for i in range(n)]
    one = rollouts([[0]], [0], [1])
    state = {"kept": dict.fromkeys(range(7), (one,)), "rate": {p: k / 8 for p, (k, _) in enumerate(prompts)}, "solved": (), "begun": True}
    fresh = rollouts([[1]] * 7, list(range(7)), [0] * 7)
    drawn = Counter()
    for seed in range(3000):
        whole, _ = SuccessBuckets(share=1 / 7, instead=False)(fresh, torch.arange(7), state, seed, sure_of_small)
        assert len(whole) == 8
        drawn[prompts[int(whole.context[-1])]] += 1
    for bucket, chance in PROBABILITIES.items():
        each = [drawn[bucket, i] for i in range(buckets[bucket])]
        assert abs(sum(each) / 3000 - chance) < 0.03, bucket
        assert max(each) - min(each) < 120


def test_what_is_kept_and_when_it_begins():
    buffer = SuccessBuckets(share=1.0, capacity=2)
    state, place = buffer.init(), torch.tensor([5, 5, 5, 5, 9, 9, 9, 9])

    def step(actions: list[int], right: list[int]) -> Sequences:
        nonlocal state
        whole, state = buffer(rollouts([[a] for a in actions], [0] * 4 + [1] * 4, right), place, state, 0, sure_of_small)
        return whole

    step([1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 0, 0, 0, 0, 0, 0])  # a lucky guess
    assert set(state["kept"]) == {5} and state["rate"] == {5: 0.25} and not state["begun"]
    assert not step([4, 2, 3, 1, 5, 6, 7, 8], [1, 1, 0, 0, 1, 0, 0, 0]).quantities["replayed"].any()  # 3 of 8: begins with the next one
    assert state["begun"] and [int(one.actions) for one in state["kept"][5]] == [2, 4]  # 2 is known already
    found = step([9, 9, 9, 9, 9, 9, 9, 9], [1, 1, 1, 1, 0, 0, 0, 0])
    assert found.actions.flatten().tolist() == [9] * 6 + [2, 5] and found.context.tolist() == [0, 0, 0, 1, 1, 1, 0, 1]
    assert (
        state["solved"] == (5,) and set(state["kept"]) == {9} and state["rate"] == {9: 0.25}
    )  # none right moves nothing, all right forgets
    step([1, 2, 3, 4, 9, 9, 9, 9], [1, 1, 0, 0, 0, 0, 0, 0])
    assert set(state["kept"]) == {9}  # for good


def test_a_run_replays_and_goes_on_from_where_it_was():
    world = Needle(contexts=3, vocabulary=3, depth=2, needles=4)
    policy = world.policy(deviation=1.0).build()
    found = improve(policy, FiniteScene(world), world.train(), recipe, Budget(steps=6, batch_size=3), Decoding(2))
    shares = [step["replayed"] for step in found.history[1:]]
    assert shares[0] == 0.0 and max(shares) > 0 and max(shares) <= 1 / 8


@pytest.mark.parametrize("wrong", [{"share": 0.0}, {"width": 0.0}, {"capacity": 0}, {"low": 0.9}, {"high": 1.5}])
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(InputError, match="success_buckets: "):
        SuccessBuckets(**wrong)


@pytest.mark.parametrize(
    ("name", "changed", "seen"),
    [
        ("rlep", {}, lambda row: row["replayed"] > 0),
        ("relift", {"lessons": FailedPrompts(rows=1)}, lambda row: row["lessons"] > 0),
        ("knapsack_grpo", {}, lambda row: row["frac_reward_zero_std"] < 1),
        ("exgrpo", {}, lambda row: row["replayed"] > 0),
    ],
)
def test_recipes_do_in_a_run_what_a_first_step_does_not_show(name, changed, seen):
    world = Needle(contexts=3, vocabulary=3, depth=2, needles=3)
    own = dataclasses.replace(named_recipe(name), **changed)
    rows = [{**row, "solution": world.rewards()[row["prompt"]].argmax().item()} for row in world.train()]
    rows = [{**row, "solution": world.tree.actions[row["solution"]].tolist()} for row in rows]
    dealt: list[list[int]] = []

    class Watching(FiniteScene):
        def judge(self, rollouts, rows, seed):
            dealt.append(torch.bincount(rollouts.context).tolist())
            return super().judge(rollouts, rows, seed)

    found = improve(world.policy(deviation=1.0).build(), Watching(world), rows, own, Budget(steps=6, batch_size=3), Decoding(2))
    assert any(seen(row) for row in found.history[1:])
    even = [len(set(counts)) == 1 for counts in dealt]
    assert all(even) != (name == "knapsack_grpo") and all(sum(counts) == 3 * own.sampler.num_generations for counts in dealt)
