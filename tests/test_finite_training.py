"""The loops on finite policies: what rows bring for each action, and schedules wherever a recipe has a number."""

import dataclasses

import pytest
import torch

from guerdon.errors import InputError
from guerdon.exact.solvers.chi_squared_optimum import ChiSquaredOptimum
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.losses.listwise import Listwise
from guerdon.losses.penalties.chi_squared import ChiSquared
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_forward import KLForward
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.rankings.plackett_luce import PlackettLuce
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.finite.tabular import Tabular
from guerdon.parts import call
from guerdon.sequences import Example, Side
from guerdon.steps import total
from guerdon.training import knobs
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.training.schedules.linear import Linear


def worlds(end):
    tables = (PrefixTable(2, 3, 3, end, deviation=1.5, seed=seed).build() for seed in (0, 1))
    policy, ref = tables
    return policy, ref.reference(), policy.enumerate(1)


def gradient(policy, loss) -> torch.Tensor:
    return torch.autograd.grad(loss, policy.logits)[0]


@pytest.mark.parametrize("end", [None, 0])
def test_the_exact_kl_of_steps_adds_up_to_that_of_sequences(end):
    policy, ref, every = worlds(end)
    found = policy.measure(every, {"ref_kl", "ref_forward_kl"}, {"ref": ref})
    p, q = policy.probabilities(1), ref.probabilities(1)
    torch.testing.assert_close((p * found["ref_kl"].sum(-1)).sum(), policy.kl(ref)[1])
    torch.testing.assert_close((q * found["ref_forward_kl"].sum(-1)).sum(), ref.kl(policy)[1])
    assert not found["ref_kl"][~every.mask].any()
    cooler = dataclasses.replace(every, temperature=0.5)
    tempered = [TablePolicy(policy.tree, p.logits / 0.5) for p in (policy, ref)]
    torch.testing.assert_close(
        policy.measure(cooler, {"ref_kl"}, {"ref": ref})["ref_kl"], tempered[0].measure(every, {"ref_kl"}, {"ref": tempered[1]})["ref_kl"]
    )
    with pytest.raises(InputError, match="view 'ref'"):
        policy.measure(every, {"ref_kl"}, {"ref": PrefixTable(2, 4, 3).build()})


@pytest.mark.parametrize("end", [None, 0])
def test_what_the_kl_penalties_say_of_their_gradients(end):
    """Expectations by enumeration: those of the estimates in the loss, and the two halves of that of the KL of whole sequences."""
    policy, ref, every = worlds(end)
    p = policy.probabilities(1)

    def cost(part):
        given = policy.measure(every, {"logp", "ref_kl", "ref_forward_kl"}, {"ref": ref}) | {
            "ref_logp": ref.measure(every, {"logp"})["logp"]
        }
        return total(call(part, given), every.mask)

    loss = {type(part): gradient(policy, (p.detach() * cost(part)).sum()) for part in (KLSquare(), KLExponential(), KLExact(), KLForward())}
    torch.testing.assert_close(loss[KLSquare], loss[KLExact])
    torch.testing.assert_close(loss[KLExponential], loss[KLForward])
    assert not torch.allclose(loss[KLExact], loss[KLForward])
    reward = gradient(policy, (p * cost(KLExact()).detach()).sum())
    whole = gradient(policy, policy.kl(ref)[1])
    torch.testing.assert_close(loss[KLExact] + reward, whole)
    last = policy.tree.nodes(every.actions)[every.mask.sum(-1) == 3][:, 2]
    assert reward.abs().max() > 0.01 and reward[1, last].abs().max() < 1e-12 < whole[1, last].abs().max()


@pytest.mark.parametrize("end", [None, 0])
def test_chi_squared_is_that_of_whole_sequences_and_half_of_it_in_the_loss_and_in_the_reward(end):
    policy, ref, every = worlds(end)
    q, ref_logp = ref.probabilities(1).detach(), ref.measure(every, {"logp"})["logp"]

    def half(of):
        p = policy.probabilities(1)
        penalty = total(call(ChiSquared(), policy.measure(every, {"logp"}) | {"ref_logp": ref_logp, "mask": every.mask}), every.mask)
        return gradient(policy, of(p, penalty))

    whole = gradient(policy, (policy.probabilities(1).square() / q).sum())
    torch.testing.assert_close(half(lambda p, penalty: (p.detach() * penalty).sum()), whole / 2)
    torch.testing.assert_close(half(lambda p, penalty: (p * penalty.detach()).sum()), whole / 2)
    torch.testing.assert_close(half(lambda p, penalty: (p * penalty).sum()), whole)


def test_a_reward_less_chi_squared_leads_to_its_exact_optimum():
    policy, reward, strength = Tabular(1, 4).build(), torch.tensor([[0.0, 1.0, 0.5, -1.0]], dtype=torch.float64), 0.8
    ref = Tabular(1, 4).build()
    optimum = ChiSquaredOptimum(strength)(reward, torch.full_like(reward, 0.25))["policy"]
    every = torch.arange(4)
    optimiser = torch.optim.Adam([policy.logits], lr=0.05)
    for _ in range(600):
        logp = policy.probabilities(0).log().unsqueeze(-1)
        penalty = ChiSquared()(logp, ref.probabilities(0).log().unsqueeze(-1), torch.ones(4, 1, dtype=torch.bool))[:, 0]
        worth = (reward[0] - 2 * strength * penalty).detach()
        optimiser.zero_grad()
        (-(logp.exp().detach()[:, 0] * worth * logp[every, 0]).sum()).backward()
        optimiser.step()
    torch.testing.assert_close(policy.probabilities(0), optimum[0], rtol=0, atol=1e-3)


def test_the_exact_kl_in_the_loss_reaches_the_exact_optimum():
    policy, reward, beta = Tabular(1, 4).build(), torch.tensor([[0.0, 1.0, 0.5, -1.0]], dtype=torch.float64), 0.5
    rows = [Example({"": Side((0,), (arm,), (True,), {"advantage": (float(reward[0, arm]),)})}) for arm in range(4)]

    @dataclasses.dataclass(frozen=True)
    class Expected:
        """The expected reward's gradient, from every arm once: no noise."""

        def __call__(self, logp, advantage):
            return -4 * advantage * logp.exp()

    recipe = Recipe((Term(Expected()), Term(KLExact(), weight=beta)), AdamW(Linear(0.1, end=0.0)))
    fit(policy, rows, recipe, Budget(steps=300, batch_size=4))
    optimum = KLRegularisedOptimum(beta=beta)(reward=reward, reference=torch.full_like(reward, 0.25))
    torch.testing.assert_close(policy.probabilities(0), optimum["policy"][0], rtol=0, atol=1e-3)


def test_rows_may_bring_the_advantage_of_each_action():
    rows = [Example({"": Side((0,), (arm,), (True,), {"advantage": (advantage,)})}) for arm, advantage in enumerate((1.0, -1.0, 0.0))]
    policy = Tabular(1, 3).build()
    fit(policy, rows, Recipe((Term(Reinforce()),), AdamW(0.1)), Budget(steps=1, batch_size=3))
    # The gradient of the mean of -advantage * logp at the uniform policy is (-1, 1, 0) / 3; Adam's first step is its sign.
    torch.testing.assert_close(policy.logits.detach().flatten()[:2], torch.tensor([0.1, -0.1], dtype=torch.float64), atol=1e-6, rtol=0)
    assert policy.probabilities(0)[0] > policy.probabilities(0)[2] > policy.probabilities(0)[1]


@pytest.mark.parametrize(("progress", "rate"), [(0.0, 0.4), (0.5, 0.2), (1.0, 0.0)])
def test_a_schedule_in_a_further_learner_becomes_a_number(progress, rate):
    recipe = Recipe((Term(Reinforce()),), learners={"critic": Learning((Term(Reinforce()),), optimiser=AdamW(Linear(0.4)))})
    assert knobs.at(recipe, progress, {}).learners["critic"].optimiser.learning_rate == pytest.approx(rate)


def test_rankings_are_fitted_whole_whatever_the_micro_batch():
    """The candidates of a ranking are the sequences of one side; they are compared with each other and with nobody else."""
    rows = [[(0, 1.0), (1, 0.0), (2, -1.0)], [(1, 2.0), (3, 1.0)]]
    sides = [tuple(Side((context,), (action,), (True,)) for action, _ in row) for context, row in enumerate(rows)]
    data = [Example({"": side}, {"reward": tuple(worth for _, worth in row)}) for side, row in zip(sides, rows, strict=True)]
    method = Recipe((Term(Listwise(LogProbability(), PlackettLuce())),), AdamW(0.1))
    fitted = []
    for tokens in (4, 1000):
        policy = Tabular(2, 4).build()
        fit(policy, data, method, Budget(steps=40, batch_size=2, tokens_per_micro_batch=tokens))
        fitted.append(policy.log_probabilities().detach())
    torch.testing.assert_close(*fitted)
    assert fitted[0][0].argsort(descending=True).tolist()[:2] == [0, 1] and fitted[0][1, 1] > fitted[0][1, 3]
    torch.testing.assert_close(fitted[0][1, 0], fitted[0][1, 2])  # nobody ranked these
