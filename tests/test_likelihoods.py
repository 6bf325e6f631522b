"""Likelihoods, their maximum and its uncertainty: by enumeration, against independent references, and over simulated data sets."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from guerdon.errors import InputError
from guerdon.exact.designs.a_optimal import AOptimal
from guerdon.exact.designs.d_optimal import DOptimal
from guerdon.exact.designs.fisher_information import FisherInformation
from guerdon.exact.estimators._flat import Flat, jacobian, value_and_derivatives
from guerdon.exact.estimators.maximum_likelihood import MaximumLikelihood
from guerdon.exact.likelihoods.bradley_terry import BradleyTerry
from guerdon.exact.likelihoods.davidson import Davidson
from guerdon.exact.likelihoods.linear import Linear
from guerdon.exact.likelihoods.mixture import Mixture
from guerdon.exact.likelihoods.order_effect import OrderEffect
from guerdon.exact.likelihoods.outside_option import OutsideOption
from guerdon.exact.likelihoods.plackett_luce import PlackettLuce
from guerdon.exact.likelihoods.rao_kupper import RaoKupper
from guerdon.exact.likelihoods.skew_symmetric import SkewSymmetric
from guerdon.exact.likelihoods.thurstone import Thurstone
from guerdon.exact.likelihoods.user_weighted import UserWeighted
from guerdon.parts import call, describe
from guerdon.randomness import generator
from guerdon.worlds.finite.annotators import Annotators
from guerdon.worlds.finite.bradley_terry_preference import BradleyTerryPreference

quick = settings(max_examples=15, deadline=None)
seeds = st.integers(0, 10_000)
ITEMS, USERS, FEATURES = 4, 3, 2
# Each likelihood, how many candidates its questions show, and how many numbers all questions to all users tell.
CASES = [
    (BradleyTerry(), 2, ITEMS - 1),
    (Thurstone(), 2, ITEMS - 1),
    (Davidson(), 2, ITEMS),
    (RaoKupper(), 2, ITEMS),
    (PlackettLuce(), 3, ITEMS - 1),
    (PlackettLuce(top=2), 4, ITEMS - 1),
    (PlackettLuce(top=1), 3, ITEMS - 1),
    (OutsideOption(), 2, ITEMS),
    (OutsideOption(outside=-0.5), 1, ITEMS),
    (OutsideOption(outside=-math.inf), 2, ITEMS - 1),
    (OrderEffect(), 2, ITEMS),
    (OrderEffect(Davidson()), 2, ITEMS + 1),
    (Linear(), 2, FEATURES),
    (Linear(OutsideOption()), 3, FEATURES),
    (Linear(OrderEffect(RaoKupper())), 2, FEATURES + 2),
    (UserWeighted(), 2, USERS + ITEMS - 1 - 1),
    (UserWeighted(rank=2), 2, 2 * (USERS + ITEMS - 1) - 4),
    (UserWeighted(of=OutsideOption()), 2, USERS + ITEMS - 1),
    (SkewSymmetric(), 2, 2 * ITEMS - 3),
    (SkewSymmetric(rank=2), 2, ITEMS * (ITEMS - 1) // 2),
    (SkewSymmetric(of=Davidson()), 2, 2 * ITEMS - 3 + 1),
    (Mixture(2), 2, 1 + 2 * (ITEMS - 1)),
    (Mixture(2, OutsideOption()), 2, 1 + 2 * ITEMS),
]
cases = pytest.mark.parametrize(("likelihood", "size", "told"), CASES, ids=[describe(case[0]) for case in CASES])


def close(a, b, atol=1e-9):
    torch.testing.assert_close(torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64), rtol=0, atol=atol)


def draw(shape, seed, *purpose):
    return torch.randn(shape, dtype=torch.float64, generator=generator(seed, *purpose))


def question_data(likelihood, size):
    """All questions in all orders, to all users and with features where they matter."""
    asked = torch.tensor(list(itertools.permutations(range(ITEMS), size)))
    data = {"asked": asked}
    if "taste" in likelihood.names():
        data = {"asked": asked.repeat(USERS, 1), "user": torch.arange(USERS).repeat_interleave(len(asked))}
    return data | ({"features": draw((ITEMS, FEATURES), 0, "features")} if "coefficient" in likelihood.names() else {})


def parameters_for(likelihood, data, seed):
    features = data["features"].shape[1] if "features" in data else None
    return {name: draw(shape, seed, name) for name, shape in likelihood.parameters(ITEMS, USERS, features).items()}


# Probabilities


@cases
@quick
@given(seed=seeds)
def test_answers_have_probabilities_that_sum_to_one(likelihood, size, told, seed):
    data = question_data(likelihood, size)
    logp = call(likelihood, data | parameters_for(likelihood, data, seed))
    assert logp.shape == (len(data["asked"]), len(likelihood.outcomes(size)))
    close(logp.exp().sum(-1), torch.ones(len(logp)), atol=1e-12)


@cases
def test_the_expected_hessian_is_minus_the_fisher_information(likelihood, size, told):
    """By enumeration of every answer; of a mixture, of every pair of answers of a person."""
    data = question_data(likelihood, size)
    data = {k: v[:4] if k in ("asked", "user") else v for k, v in data.items()}
    if likelihood.joint:
        data["user"] = torch.tensor([0, 0, 1, 1])
    parameters = parameters_for(likelihood, data, 3)
    flat = Flat({k: tuple(v.shape) for k, v in parameters.items()})
    at = flat.join(parameters)
    probability = likelihood.every_answer(data | parameters).exp()
    close(probability.sum(-1), torch.ones(len(probability)), atol=1e-12)
    units = FisherInformation(likelihood)(**data, **parameters)
    for unit in range(len(probability)):
        expected = torch.zeros(flat.size, flat.size, dtype=torch.float64)
        for answer in range(probability.shape[1]):
            _, _, hessian = value_and_derivatives(lambda v, u=unit, a=answer: likelihood.every_answer(data | flat.split(v))[u, a], at)
            expected -= probability[unit, answer] * hessian
        close(units[unit], expected, atol=1e-10)


@cases
def test_so_many_numbers_are_told(likelihood, size, told):
    """The rank of the information of every question is what the docstring says."""
    data = question_data(likelihood, size)
    if likelihood.joint:
        data = {"asked": data["asked"][:6], "user": torch.zeros(6, dtype=torch.long)}  # one person, asked six times
    information = FisherInformation(likelihood)(**data, **parameters_for(likelihood, data, 1)).sum(0)
    size = torch.linalg.eigvalsh(information)
    assert int((size > 1e-10 * size.max()).sum()) == told


@cases
@quick
@given(seed=seeds)
def test_the_gauge_changes_no_probability_and_is_where_it_is(likelihood, size, told, seed):
    data = question_data(likelihood, size)
    parameters = parameters_for(likelihood, data, seed)
    fixed = likelihood.gauge(parameters, features=data.get("features"))
    assert fixed.keys() == parameters.keys()
    close(call(likelihood, data | fixed), call(likelihood, data | parameters), atol=1e-9)
    again = likelihood.gauge(fixed, features=data.get("features"))
    for name in fixed:
        close(again[name], fixed[name], atol=1e-8)
    if likelihood.joint:
        data["user"] = torch.arange(len(data["asked"])) // 2
        answer, count = torch.zeros(len(data["asked"]), dtype=torch.long), torch.ones(len(data["asked"]), dtype=torch.float64)
        close(likelihood.answered(data | fixed, answer, count).sum(), likelihood.answered(data | parameters, answer, count).sum())


def test_factors_that_say_the_same_have_the_same_gauge():
    basis, turn = draw((2, ITEMS), 1, "basis"), draw((2, 2), 2, "turn")
    basis = basis - basis.mean(-1, keepdim=True)
    taste = draw((USERS, 2), 3, "taste")
    one = UserWeighted(2).gauge({"taste": taste, "basis": basis})
    other = UserWeighted(2).gauge({"taste": taste @ turn, "basis": torch.linalg.inv(turn) @ basis + 3.0})
    close(one["taste"], other["taste"])
    close(one["basis"], other["basis"])
    close((one["taste"] ** 2).mean(0), torch.ones(2))
    blade, chest = draw((5, 1), 1, "blade"), draw((5, 1), 1, "chest")
    one = SkewSymmetric().gauge({"blade": blade, "chest": chest})
    other = SkewSymmetric().gauge({"blade": 2 * blade + 3 * chest, "chest": chest / 2})  # a plane has area, and no other measure
    close(one["blade"], other["blade"])
    close(one["chest"], other["chest"])
    close((one["blade"] * one["chest"]).sum(), 0.0)


# Where one is another


PAIRS = torch.tensor(list(itertools.permutations(range(ITEMS), 2)))


@quick
@given(seeds)
def test_without_ties_davidson_and_rao_kupper_are_bradley_terry(seed):
    score = draw(ITEMS, seed, "score")
    plain = BradleyTerry()(PAIRS, score)
    never = torch.tensor(-math.inf, dtype=torch.float64)
    for found in (Davidson()(PAIRS, score, never), RaoKupper()(PAIRS, score, torch.tensor(-40.0, dtype=torch.float64))):
        close(found[:, :2], plain)
        close(found[:, 2].exp(), torch.zeros(len(PAIRS)))
    tied = Davidson()(PAIRS, score, draw((), seed, "tie"))  # and given that it is no tie, at any readiness to tie
    close(tied[:, :2].log_softmax(-1), plain)


def test_rao_kupper_is_logistic_noise_that_is_cut_at_the_threshold():
    score, tie = draw(ITEMS, 0, "score"), torch.tensor(-0.3, dtype=torch.float64)
    difference = (score[PAIRS[:, 0]] - score[PAIRS[:, 1]]).numpy()
    ends = stats.logistic.cdf(math.exp(-0.3) - difference), stats.logistic.cdf(-math.exp(-0.3) - difference)
    close(RaoKupper()(PAIRS, score, tie).exp(), np.stack([1 - ends[0], ends[1], ends[0] - ends[1]], -1))


@quick
@given(seeds)
def test_an_outside_good_that_nobody_wants_leaves_luces_choice_and_one_that_is_wanted_is_an_item(seed):
    score = draw(ITEMS, seed, "score")
    asked = torch.tensor(list(itertools.combinations(range(ITEMS), 3)))
    nobody = OutsideOption(-math.inf)(asked, score)
    close(nobody[:, :3], PlackettLuce(top=1)(asked, score))
    assert bool((nobody[:, 3] == -math.inf).all())
    shown = torch.cat([asked, torch.full((len(asked), 1), ITEMS)], -1)
    close(OutsideOption(0.7)(asked, score), PlackettLuce(top=1)(shown, torch.cat([score, torch.tensor([0.7], dtype=torch.float64)])))


@quick
@given(seeds)
def test_rankings_agree_with_the_choices_that_they_contain(seed):
    """Whatever else is shown: the first is Luce's choice, and of two items the better one is Bradley-Terry's."""
    score, asked = draw(ITEMS, seed, "score"), torch.tensor([[2, 0, 3, 1]])
    ranking, outcomes = PlackettLuce()(asked, score)[0].exp(), PlackettLuce().outcomes(4)
    first = [sum(p for p, o in zip(ranking, outcomes, strict=True) if o[0] == k) for k in range(4)]
    close(first, PlackettLuce(top=1)(asked, score)[0].exp())
    above = sum(p for p, o in zip(ranking, outcomes, strict=True) if o.index(1) < o.index(2))
    close(above, BradleyTerry()(torch.tensor([[0, 3]]), score)[0, 0].exp())
    two = PlackettLuce(top=2)
    best = [sum(p for p, o in zip(ranking, outcomes, strict=True) if o[:2] == named) for named in two.outcomes(4)]
    close(best, two(asked, score)[0].exp())


@pytest.mark.parametrize("of", [BradleyTerry(), Davidson(), OutsideOption()])
def test_one_group_is_its_member(of):
    parameters = parameters_for(of, {}, 5)
    one = {"share": torch.zeros(1, dtype=torch.float64)} | {name: value.unsqueeze(0) for name, value in parameters.items()}
    close(call(Mixture(1, of), {"asked": PAIRS} | one), call(of, {"asked": PAIRS} | parameters))
    answer, count = torch.arange(len(PAIRS)) % 2, torch.ones(len(PAIRS), dtype=torch.float64)
    together = Mixture(1, of).answered({"asked": PAIRS, "user": torch.zeros(len(PAIRS)).long()} | one, answer, count)
    close(together.sum(), of.answered({"asked": PAIRS} | parameters, answer, count).sum())


def test_answers_of_one_person_depend_on_one_another_in_a_mixture():
    """By hand: two equal groups that answer 3 to 1 and 1 to 3 give the same answer twice with (9 + 1) / 32."""
    parameters = {"share": torch.zeros(2).double(), "score": math.log(3) * torch.eye(2).double()}
    asked = torch.tensor([[0, 1], [0, 1]])
    whole = Mixture(2).every_answer({"asked": asked, "user": torch.tensor([0, 0])} | parameters).exp()
    close(whole, [[10 / 32, 6 / 32, 6 / 32, 10 / 32]])
    for row, pair in enumerate(itertools.product(range(2), repeat=2)):
        found = Mixture(2).answered({"asked": asked, "user": torch.tensor([0, 0])} | parameters, torch.tensor(pair), torch.ones(2).double())
        close(found.exp(), whole[:, row])


def test_a_skew_symmetric_matrix_of_full_rank_is_any_preference():
    upper = torch.triu(draw((4, 4), 0, "odds"), 1)
    odds = upper - upper.T
    wanted = SkewSymmetric(2).gauge({"blade": odds / 2, "chest": torch.eye(4).double()})  # odds / 2 - (odds / 2)^T is odds
    found = SkewSymmetric(2)(asked=PAIRS, **wanted)
    close(found[:, 0] - found[:, 1], odds[PAIRS[:, 0], PAIRS[:, 1]])


# The maximum


def expected_answers(likelihood, size, seed=0, scale=1.0):
    """Every answer to every question, counted as often as it is expected of a thousand: the truth has the highest likelihood."""
    data = question_data(likelihood, size)
    truth = {name: scale * value for name, value in parameters_for(likelihood, data, seed).items()}
    probability = call(likelihood, data | truth).exp()
    rows = torch.arange(len(probability)).repeat_interleave(probability.shape[1])
    answers = {"answer": torch.arange(probability.shape[1]).repeat(len(probability)), "count": 1000 * probability.flatten()}
    return {k: v[rows] if k in ("asked", "user") else v for k, v in data.items()} | answers, data, truth


single = pytest.mark.parametrize(
    ("likelihood", "size", "told"), [c for c in CASES if not c[0].joint], ids=[describe(c[0]) for c in CASES if not c[0].joint]
)


@single
def test_infinitely_many_answers_give_the_truth_and_its_fisher_information(likelihood, size, told):
    answers, data, truth = expected_answers(likelihood, size)
    found = MaximumLikelihood(likelihood, starts=3)(**answers)
    assert found.rank == told
    fixed = likelihood.gauge(truth, features=data.get("features"))
    for name, value in fixed.items():
        close(found.parameters[name], value, atol=1e-6)
    information = 1000 * FisherInformation(likelihood)(**data, **found.parameters).sum(0)
    close(found.information, information, atol=1e-4)
    close(found.covariance, torch.linalg.pinv(information, rtol=1e-9, hermitian=True), atol=1e-8)
    close(found.robust, found.covariance, atol=1e-8)  # the likelihood is right, so both agree


def simulated(likelihood, data, truth, seed, times=1):
    """An answer to each question, ``times`` over, as the truth gives them."""
    data = {k: v.repeat(times, *[1] * (v.dim() - 1)) if k in ("asked", "user") else v for k, v in data.items()}
    probability = call(likelihood, data | truth).exp()
    return data | {"answer": torch.multinomial(probability, 1, generator=generator(seed, "answers")).squeeze(-1)}


def indicators(asked):
    """[Q, M], +1 for the first and -1 for the second item."""
    size = int(asked.max()) + 1
    return torch.nn.functional.one_hot(asked[:, 0], size).double() - torch.nn.functional.one_hot(asked[:, 1], size).double()


@pytest.mark.parametrize(("likelihood", "peer"), [(Linear(), "Logit"), (Linear(Thurstone()), "Probit")])
def test_linear_scores_agree_with_the_regressions_of_statsmodels(likelihood, peer):
    """Estimates, log-likelihood, standard errors, and those by clusters (which there have a factor for few of them)."""
    models = pytest.importorskip("statsmodels.discrete.discrete_model")
    features = draw((6, 3), 0, "features") * torch.tensor([1.0, 100.0, 1e-3])  # in units as users have them
    asked = torch.stack([torch.randperm(6, generator=generator(0, "asked", n))[:2] for n in range(300)])
    truth = {"coefficient": torch.tensor([0.5, -0.005, 500.0], dtype=torch.float64)}
    data = simulated(likelihood, {"asked": asked, "features": features}, truth, 1)
    cluster = torch.arange(300) // 5
    found = MaximumLikelihood(likelihood)(**data, cluster=cluster)
    columns = (features[asked[:, 0]] - features[asked[:, 1]]).numpy()
    model = getattr(models, peer)((data["answer"] == 0).numpy().astype(float), columns)
    fitted = model.fit(disp=0, tol=1e-12)
    robust = model.fit(disp=0, tol=1e-12, cov_type="cluster", cov_kwds={"groups": cluster.numpy(), "use_correction": False})
    np.testing.assert_allclose(found.parameters["coefficient"], fitted.params, rtol=1e-6)
    assert found.log_likelihood == pytest.approx(fitted.llf, rel=1e-10)
    np.testing.assert_allclose(found.covariance.diagonal().sqrt(), fitted.bse, rtol=1e-6)
    np.testing.assert_allclose(found.robust.diagonal().sqrt(), robust.bse, rtol=1e-6)
    interval = found.interval(lambda p: p["coefficient"], confidence=0.9)
    np.testing.assert_allclose(torch.stack([interval.low, interval.high], -1), fitted.conf_int(alpha=0.1), rtol=1e-6)


def test_choices_agree_with_the_conditional_logit_of_statsmodels():
    models = pytest.importorskip("statsmodels.discrete.conditional_models")
    features = draw((6, 2), 0, "features")
    asked = torch.stack([torch.randperm(6, generator=generator(0, "asked", n))[:3] for n in range(150)])
    likelihood = Linear(PlackettLuce(top=1))
    data = simulated(likelihood, {"asked": asked, "features": features}, {"coefficient": torch.tensor([1.0, -0.5]).double()}, 1)
    found = MaximumLikelihood(likelihood)(**data)
    chosen = torch.nn.functional.one_hot(data["answer"], 3).flatten().numpy()
    fitted = models.ConditionalLogit(chosen, features[asked].flatten(0, 1).numpy(), groups=np.repeat(np.arange(150), 3)).fit(disp=0)
    np.testing.assert_allclose(found.parameters["coefficient"], fitted.params, rtol=1e-4)
    np.testing.assert_allclose(found.covariance.diagonal().sqrt(), fitted.bse, rtol=1e-4)
    assert found.log_likelihood == pytest.approx(fitted.llf, rel=1e-8)


def test_bradley_terry_agrees_with_zermelos_iteration():
    score = draw(5, 0, "score")
    asked = torch.tensor(list(itertools.combinations(range(5), 2)))
    data = simulated(BradleyTerry(), {"asked": asked}, {"score": score}, 2, times=12)
    found = MaximumLikelihood(BradleyTerry())(**data)
    winner = data["asked"].gather(-1, data["answer"].unsqueeze(-1)).squeeze(-1)
    wins, strength = torch.bincount(winner, minlength=5).double(), torch.ones(5).double()
    for _ in range(2000):  # strength = wins / sum over comparisons of 1 / (strength + the other's)
        share = 12 / (strength.unsqueeze(-1) + strength)
        strength = wins / (share.sum(-1) - share.diagonal())
    close(found.parameters["score"], strength.log() - strength.log().mean(), atol=1e-8)


def test_low_rank_scores_reach_what_scipy_reaches():
    likelihood = UserWeighted(rank=1, of=Davidson())
    data = question_data(likelihood, 2)
    data = simulated(likelihood, data, parameters_for(likelihood, data, 2), 0, times=4)
    found = MaximumLikelihood(likelihood)(**data)
    flat = Flat(likelihood.parameters(ITEMS, USERS))

    def loss(vector):
        value = lambda v: call(likelihood, data | flat.split(v)).gather(-1, data["answer"].unsqueeze(-1)).sum()  # noqa: E731
        best, slope = jacobian(value, torch.from_numpy(vector))
        return -float(best), -slope.numpy()

    best = min(optimize.minimize(loss, draw(flat.size, s, "start").numpy(), jac=True, method="BFGS").fun for s in range(4))
    assert found.log_likelihood == pytest.approx(-best, abs=1e-6)


def test_groups_are_found_from_what_people_answered():
    """Two groups with opposite tastes, 60 people with 12 comparisons each: who belongs where is in no column."""
    likelihood = Mixture(2)
    score = torch.tensor([2.0, 0.7, -0.7, -2.0], dtype=torch.float64)
    truth = {"share": torch.tensor([0.4, -0.4], dtype=torch.float64), "score": torch.stack([score, -score])}
    user = torch.arange(60).repeat_interleave(len(PAIRS))
    group = (torch.arange(60) % 10 >= 7).long()  # 7 of 10
    asked = PAIRS.repeat(60, 1)
    probability = likelihood.of_group({"asked": asked} | truth)[group[user], torch.arange(len(asked))].exp()
    answer = torch.multinomial(probability, 1, generator=generator(0, "answers")).squeeze(-1)
    found = MaximumLikelihood(likelihood, starts=4)(asked=asked, answer=answer, user=user)
    share = found.interval(lambda p: p["share"][0] - p["share"][1])
    assert float(share.low) < math.log(0.7 / 0.3) < float(share.high)
    spread = found.interval(lambda p: p["score"] - p["score"].mean(-1, keepdim=True), confidence=0.999)
    assert bool((spread.low < truth["score"]).all() and (truth["score"] < spread.high).all())
    assert found.rank == 7
    alone = MaximumLikelihood(BradleyTerry())(asked=asked, answer=answer)
    assert found.log_likelihood > alone.log_likelihood + 50
    apart = FisherInformation(likelihood)(asked=PAIRS, **truth).sum(0)  # one answer each says no more than the mean of the groups
    assert int((torch.linalg.eigvalsh(apart) > 1e-9).sum()) < 7


def test_a_mixture_is_no_worse_than_what_em_finds():
    """40 people with 40 comparisons of 6 items each: expectation over who belongs where, then a logistic regression for each group, weighed by it."""
    people = Annotators(Mixture(2), items=6, users=40, seed=1)
    asked = torch.stack([torch.randperm(6, generator=generator(1, "asked", n))[:2] for n in range(1600)])
    user = torch.arange(40).repeat_interleave(40)
    answer = people.ask(asked, 0, user)
    column = indicators(asked) * (1 - 2 * answer.double()).unsqueeze(-1)  # winner minus loser
    best = -math.inf
    for start in range(4):
        belongs, score = (2 * draw((40, 2), start, "belongs")).softmax(-1), torch.zeros(2, 6, dtype=torch.float64)
        for _ in range(60):
            share, weight = belongs.mean(0), belongs[user]
            for _ in range(2):
                p = torch.sigmoid(-column @ score.T)
                curvature = (
                    torch.einsum("qg,qi,qj->gij", weight * p * (1 - p), column, column) + 1e-3
                )  # what is constant lifts the zero of the scores
                score = score + torch.linalg.solve(curvature, (weight * p).T @ column)
            both = (
                torch.zeros(40, 2, dtype=torch.float64).index_add(0, user, torch.nn.functional.logsigmoid(column @ score.T)) + share.log()
            )
            belongs, best = both.softmax(-1), max(best, float(both.logsumexp(-1).sum()))
    assert MaximumLikelihood(Mixture(2))(asked=asked, answer=answer, user=user).log_likelihood >= best - 1e-6


# Where there is no maximum


ROUND = torch.tensor([[0, 1], [1, 2], [2, 0], [0, 3]])


@pytest.mark.parametrize("likelihood", [BradleyTerry(), Thurstone(), Davidson(), RaoKupper(), PlackettLuce(), OrderEffect()])
def test_an_item_that_never_lost_is_named(likelihood):
    """Around a circle each of three won once; the fourth lost its only comparison."""
    with pytest.raises(InputError, match=r"item 3 never won.*Leave it out"):
        MaximumLikelihood(likelihood)(asked=ROUND, answer=torch.zeros(4).long())
    with pytest.raises(InputError, match="dora never lost"):
        MaximumLikelihood(likelihood)(asked=ROUND, answer=torch.tensor([0, 0, 0, 1]), names=["anna", "bob", "carl", "dora"])


def test_two_camps_of_which_one_never_lost_to_the_other():
    asked = torch.tensor([[0, 1], [1, 0], [2, 3], [3, 2], [4, 3], [3, 4], [0, 2], [1, 3]])
    with pytest.raises(InputError, match="item 0, item 1 never lost to any of the others"):
        MaximumLikelihood(BradleyTerry())(asked=asked, answer=torch.zeros(8).long())


def test_when_something_was_always_good_enough():
    asked = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(InputError, match="none of them never won"):
        MaximumLikelihood(OutsideOption())(asked=asked, answer=torch.tensor([0, 0]))
    assert MaximumLikelihood(OutsideOption(-math.inf))(asked=asked, answer=torch.tensor([0, 0])).rank == 1


@pytest.mark.parametrize(
    ("likelihood", "data"),
    [
        # ties that never happened, and nothing but a win and a tie: odds of the tie grow as the square root of those of the win
        (Davidson(), {"asked": torch.tensor([[0, 1], [1, 0]]), "answer": torch.tensor([0, 0])}),
        (RaoKupper(), {"asked": torch.tensor([[0, 1], [1, 0]]), "answer": torch.tensor([0, 0])}),
        (Davidson(), {"asked": torch.tensor([[0, 1], [0, 1]]), "answer": torch.tensor([0, 2])}),
        # the longer one always won
        (Linear(), {"asked": PAIRS[:3], "answer": torch.tensor([1, 1, 1]), "features": torch.tensor([[1.0], [2.0], [3.0], [4.0]])}),
        (
            Linear(),
            {
                "asked": PAIRS,
                "answer": (PAIRS[:, 0] < PAIRS[:, 1]).long(),
                "features": torch.tensor([[1.0, 0.3], [2.0, -1.0], [3.0, 0.2], [4.0, 1.0]]),
            },
        ),
        # a cycle without exceptions
        (SkewSymmetric(), {"asked": torch.tensor([[0, 1], [1, 2], [2, 0]]), "answer": torch.zeros(3).long()}),
    ],
)
def test_what_grows_without_end_is_refused_and_a_prior_mends_it(likelihood, data):
    with pytest.raises(InputError, match="ridge"):
        MaximumLikelihood(likelihood, starts=2)(**data)
    found = MaximumLikelihood(likelihood, ridge=0.1, starts=2)(**data)
    assert all(bool(value.isfinite().all()) for value in found.parameters.values())


def test_a_finite_maximum_is_not_refused_however_lopsided_the_answers_are():
    found = MaximumLikelihood(BradleyTerry())(
        asked=torch.tensor([[0, 1], [1, 0], [1, 2], [2, 1]]), answer=torch.zeros(4).long(), count=torch.tensor([1e6, 1.0, 1.0, 1e6])
    )
    close(found.parameters["score"][0] - found.parameters["score"][1], math.log(1e6), atol=1e-6)
    assert found.rank == 2


# What is told and what is not


def test_a_score_by_itself_has_no_interval_and_a_difference_has_one():
    data = simulated(BradleyTerry(), {"asked": PAIRS}, {"score": draw(ITEMS, 0, "score")}, 0, times=8)
    found = MaximumLikelihood(BradleyTerry())(**data)
    with pytest.raises(InputError, match="difference"):
        found.interval(lambda p: p["score"])
    difference = found.interval(lambda p: p["score"][0] - p["score"][1])
    raw = np.linalg.pinv(found.information.numpy(), rcond=1e-9)
    close(difference.error**2, raw[0, 0] + raw[1, 1] - 2 * raw[0, 1])
    centred = found.interval(lambda p: p["score"] - p["score"].mean())
    close(centred.error, found.covariance.diagonal().sqrt())
    chance = found.interval(lambda p: torch.sigmoid(p["score"][0] - p["score"][1]))
    p = float(chance.value)
    close(chance.error, p * (1 - p) * difference.error)
    close(difference.high - difference.value, stats.norm.ppf(0.975) * difference.error)


def test_islands_that_were_never_compared_have_no_difference():
    asked = torch.tensor([[0, 1], [1, 0], [2, 3], [3, 2]])
    found = MaximumLikelihood(BradleyTerry())(asked=asked, answer=torch.zeros(4).long(), items=5)
    assert found.rank == 2  # the fifth item was never shown at all
    assert float(found.interval(lambda p: p["score"][0] - p["score"][1]).error) > 0
    for other in (2, 4):
        with pytest.raises(InputError, match="not told"):
            found.interval(lambda p, other=other: p["score"][0] - p["score"][other])


def test_factors_have_no_interval_and_the_probabilities_that_they_make_have():
    likelihood = SkewSymmetric()
    answers, data, _ = expected_answers(likelihood, 2)
    found = MaximumLikelihood(likelihood, starts=2)(**answers)
    with pytest.raises(InputError, match="not told"):
        found.interval(lambda p: p["blade"])
    odds = found.interval(lambda p: call(likelihood, data | p))
    assert bool((odds.error > 0).all())
    turned = {"blade": 2 * found.parameters["blade"], "chest": found.parameters["chest"] / 2}  # the same matrix by other factors
    information = 1000 * FisherInformation(likelihood)(**data, **turned).sum(0)
    flat = Flat(likelihood.parameters(ITEMS))
    _, slope = jacobian(lambda v: call(likelihood, data | flat.split(v)), flat.join(turned))
    variance = torch.einsum("qop,pr,qor->qo", slope, torch.linalg.pinv(information, rtol=1e-9, hermitian=True), slope)
    close(odds.error, variance.sqrt(), atol=1e-6)


def test_with_a_prior_the_covariance_is_that_of_laplace():
    found = MaximumLikelihood(BradleyTerry(), ridge=2.0)(asked=PAIRS, answer=torch.zeros(len(PAIRS)).long())
    close(found.parameters["score"], torch.zeros(ITEMS))
    information = FisherInformation(BradleyTerry())(asked=PAIRS, score=torch.zeros(ITEMS).double()).sum(0) + 2 * torch.eye(ITEMS)
    close(found.covariance, torch.linalg.inv(information))
    assert found.interval(lambda p: p["score"]).error.shape == (ITEMS,)


# Over data sets


def inside_the_band(hits, confidence=0.95, level=1e-4):
    """Whether so many hits come about by chance where each has the nominal probability; several are looked at, so the level is low."""
    hits = np.asarray(hits)
    low, high = stats.binom.ppf([level / 2, 1 - level / 2], len(hits), confidence)
    return (hits.sum(0) >= low) & (hits.sum(0) <= high)


def test_intervals_cover_the_truth_as_often_as_they_say():
    """300 data sets of 480 comparisons with ties: a difference of scores, the tie, and the log-odds of a tie of two items."""
    likelihood = Davidson()
    truth = {"score": torch.tensor([0.8, 0.3, -0.3, -0.8], dtype=torch.float64), "tie": torch.tensor(-0.2, dtype=torch.float64)}

    def asked_for(p):
        logp = likelihood(torch.tensor([[0, 3]]), p["score"], p["tie"])[0]
        return torch.stack([p["score"][0] - p["score"][2], p["tie"], logp[2] - torch.log1p(-logp[2].exp())])

    hits, hits_robust, narrow = [], [], []
    for seed in range(300):
        found = MaximumLikelihood(likelihood)(**simulated(likelihood, {"asked": PAIRS}, truth, seed, times=40))
        for robust, into in ((False, hits), (True, hits_robust)):
            interval = found.interval(asked_for, robust=robust)
            into.append(((interval.low < asked_for(truth)) & (asked_for(truth) < interval.high)).numpy())
        half = found.interval(asked_for, confidence=0.5)
        narrow.append(((half.low < asked_for(truth)) & (asked_for(truth) < half.high)).numpy())
    assert inside_the_band(hits).all(), np.mean(hits, 0)
    assert inside_the_band(hits_robust).all(), np.mean(hits_robust, 0)
    assert inside_the_band(narrow, 0.5).all(), np.mean(narrow, 0)


def test_the_sandwich_covers_where_answers_of_a_person_depend_on_one_another():
    """60 people say their first answer to a question three more times: a quarter of the information, which only the clusters tell."""
    truth = {"score": torch.tensor([0.6, 0.0, -0.6], dtype=torch.float64)}
    asked = torch.tensor(list(itertools.permutations(range(3), 2))).repeat(10, 1)
    hits = {False: [], True: []}
    for seed in range(150):
        data = simulated(BradleyTerry(), {"asked": asked}, truth, seed)
        again = {k: v.repeat_interleave(4, 0) for k, v in data.items()}
        found = MaximumLikelihood(BradleyTerry())(**again, cluster=torch.arange(60).repeat_interleave(4))
        for robust, into in hits.items():
            interval = found.interval(lambda p: p["score"][0] - p["score"][2], robust=robust)
            into.append(float(interval.low) < 1.2 < float(interval.high))
    assert inside_the_band(hits[True]), np.mean(hits[True])
    assert not inside_the_band(hits[False]) and np.mean(hits[False]) < 0.75


def test_the_ratio_of_likelihoods_has_the_chi_square_of_its_theorem():
    """No order effect in the truth: of 120 p-values as many below 5 % as there should be; with one, almost all."""
    truth = {"score": torch.tensor([0.8, 0.0, -0.8], dtype=torch.float64)}
    asked = torch.tensor(list(itertools.permutations(range(3), 2))).repeat(20, 1)
    below = []
    for order, into in ((0.0, below), (1.0, late := [])):
        for seed in range(120 if order == 0 else 15):
            both = truth | {"order": torch.tensor(order, dtype=torch.float64)}
            data = simulated(OrderEffect(), {"asked": asked}, both, seed)
            plain = MaximumLikelihood(BradleyTerry())(**data)
            test = MaximumLikelihood(OrderEffect())(**data).against(plain)
            assert test.degrees == 1 and test.statistic > -1e-9
            into.append(test.p < 0.05)
    assert inside_the_band(below, 0.05), np.mean(below)
    assert np.mean(late) > 0.9
    with pytest.raises(InputError, match="fewer"):
        plain.against(plain)


# What to ask next


@cases
def test_a_question_is_worth_what_adding_its_information_changes(likelihood, size, told):
    data = question_data(likelihood, size)
    data = {k: v[:4] if k in ("asked", "user") else v for k, v in data.items()}
    parameters = parameters_for(likelihood, data, 2)
    units = FisherInformation(likelihood)(**data, **parameters)
    size = units.shape[-1]
    before = units[1:].sum(0) + 0.1 * torch.eye(size, dtype=torch.float64)
    target = torch.outer(draw(size, 0, "c"), draw(size, 0, "c"))
    after = before + units
    worth = DOptimal(likelihood)(information=before, **data, **parameters)
    close(worth, torch.linalg.slogdet(after).logabsdet - torch.linalg.slogdet(before).logabsdet)
    fall = torch.linalg.inv(before) - torch.linalg.inv(after)
    close(AOptimal(likelihood)(information=before, **data, **parameters), fall.diagonal(dim1=-2, dim2=-1).sum(-1))
    close(AOptimal(likelihood)(information=before, target=target, **data, **parameters), (fall @ target).diagonal(dim1=-2, dim2=-1).sum(-1))


def test_questions_that_are_chosen_tell_more_than_questions_at_random():
    """Eight items, forty comparisons one after another, the truth known: volumes and variances against the best of 20 random designs."""
    score = 1.5 * draw(8, 0, "score")
    asked = torch.tensor(list(itertools.combinations(range(8), 2)))
    units = FisherInformation(BradleyTerry())(asked=asked, score=score)
    prior = 0.1 * torch.eye(8, dtype=torch.float64)
    known = {DOptimal: prior, AOptimal: prior}
    for design in known:
        for _ in range(40):
            worth = design(BradleyTerry())(information=known[design], asked=asked, score=score)
            known[design] = known[design] + units[worth.argmax()]
    volume = lambda information: float(torch.linalg.slogdet(information).logabsdet)  # noqa: E731
    variance = lambda information: float(torch.linalg.inv(information).diagonal().sum())  # noqa: E731
    random = [prior + units[torch.randint(len(asked), (40,), generator=generator(s, "design"))].sum(0) for s in range(20)]
    assert volume(known[DOptimal]) > max(volume(r) for r in random)
    assert variance(known[AOptimal]) < min(variance(r) for r in random)
    assert volume(known[DOptimal]) > volume(known[AOptimal]) and variance(known[AOptimal]) < variance(known[DOptimal])


# A world of people


@quick
@given(seeds)
def test_annotators_with_scores_are_the_preference_game_of_these_scores(seed):
    scores = tuple(draw(4, seed, "score").tolist())
    people = Annotators(BradleyTerry(), given=(("score", scores),))
    close(people.preference(), BradleyTerryPreference(actions=4, given=(scores,)).preference())
    orderly = Annotators(OrderEffect(), given=(("score", scores), ("order", 0.7))).preference()
    close(orderly + orderly.transpose(-1, -2), torch.ones(1, 4, 4))


def test_annotators_answer_as_often_as_they_should():
    people = Annotators(Mixture(2, Davidson()), items=3, users=50, seed=3)
    assert set(people.groups().tolist()) == {0, 1}
    for user in (int((people.groups() == g).nonzero()[0]) for g in (0, 1)):
        asked, who = torch.tensor([[0, 2]]).repeat(4000, 1), torch.full((4000,), user)
        counts = torch.bincount(people.ask(asked, 1, who), minlength=3)
        assert stats.chisquare(counts.numpy(), 4000 * people.probabilities(asked[:1], who[:1])[0].numpy()).pvalue > 1e-3
    with pytest.raises(InputError, match="Mixture"):
        Annotators().groups()
    with pytest.raises(InputError, match="score"):
        Annotators(given=(("score", (1.0, 2.0)),)).parameters()


def test_what_people_answered_gives_their_parameters_back():
    people = Annotators(UserWeighted(rank=1, of=OutsideOption()), items=5, users=6, features=3, seed=1)
    asked = torch.tensor(list(itertools.permutations(range(5), 2))).repeat(6 * 30, 1)
    user = torch.arange(6).repeat_interleave(len(asked) // 6)
    found = MaximumLikelihood(people.likelihood, starts=2)(**people.data(asked, user), answer=people.ask(asked, 0, user))
    data = people.data(torch.tensor([[0, 1], [3, 4], [2, 0]]), torch.tensor([0, 3, 5]))
    odds = found.interval(lambda p: call(people.likelihood, data | p).diff(dim=-1), confidence=0.9999)
    truth = call(people.likelihood, data | people.parameters()).diff(dim=-1)
    assert bool(((odds.low < truth) & (truth < odds.high)).all()) and float(odds.error.max()) < 0.5


# Input


FOUR = {"asked": torch.tensor([[0, 1], [1, 0]]), "answer": torch.tensor([0, 0])}


@pytest.mark.parametrize(
    "act",
    [
        lambda: MaximumLikelihood(BradleyTerry(), ridge=-1.0),
        lambda: MaximumLikelihood(BradleyTerry())(asked=torch.tensor([0, 1]), answer=torch.tensor([0])),
        lambda: MaximumLikelihood(BradleyTerry())(asked=torch.tensor([[0, 0]]), answer=torch.tensor([0])),
        lambda: MaximumLikelihood(BradleyTerry())(asked=torch.tensor([[0, -1]]), answer=torch.tensor([0])),
        lambda: MaximumLikelihood(BradleyTerry())(asked=torch.tensor([[0, 1]]), answer=torch.tensor([2])),
        lambda: MaximumLikelihood(BradleyTerry())(asked=torch.tensor([[0, 1]]), answer=torch.tensor([0.0])),
        lambda: MaximumLikelihood(BradleyTerry())(asked=torch.tensor([[0, 1]]), answer=torch.tensor([0, 1])),
        lambda: MaximumLikelihood(BradleyTerry())(**FOUR, count=torch.tensor([1.0, -1.0])),
        lambda: MaximumLikelihood(BradleyTerry())(**FOUR, items=1),
        lambda: MaximumLikelihood(BradleyTerry())(asked=torch.tensor([[0, 1, 2]]), answer=torch.tensor([0])),
        lambda: MaximumLikelihood(Linear())(**FOUR),
        lambda: MaximumLikelihood(Mixture(2))(**FOUR, cluster=torch.tensor([0, 0])),
        lambda: MaximumLikelihood(SkewSymmetric(rank=2))(**FOUR),
        lambda: MaximumLikelihood(BradleyTerry())(**FOUR).interval(lambda p: p["score"][0] - p["score"][1], confidence=1.0),
        lambda: PlackettLuce(top=0),
        lambda: PlackettLuce().outcomes(9),
        lambda: PlackettLuce().outcomes(1),
        lambda: Mixture(0),
        lambda: FisherInformation(Davidson())(asked=torch.tensor([[0, 1]]), score=torch.zeros(2)),
        lambda: DOptimal(BradleyTerry())(asked=torch.tensor([[0, 1]]), score=torch.zeros(2), information=torch.zeros(2, 2)),
        lambda: AOptimal(BradleyTerry())(asked=torch.tensor([[0, 1]]), score=torch.zeros(2), information=torch.eye(3)),
        lambda: Mixture(2).every_answer(
            {"asked": torch.tensor([[0, 1]] * 3), "user": torch.tensor([0, 0, 1]), "share": torch.zeros(2), "score": torch.zeros(2, 2)}
        ),
    ],
)
def test_bad_input_is_a_sentence(act):
    with pytest.raises(InputError, match=r"\w+ \w+ \w+"):
        act()
