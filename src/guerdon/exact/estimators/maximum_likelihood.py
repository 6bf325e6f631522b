"""Maximum likelihood: the parameters under which what was answered is most likely, and how sure they are.

    maximise over theta  sum over answers of log P(answer | question, theta) - ridge / 2 |theta|^2
    information = minus the Hessian there,  covariance = information^-1,  robust = information^-1 (sum over clusters of score score^T) information^-1

Data: ``asked`` [Q, K], ``answer`` [Q] (indices into the likelihood's outcomes), and, where there are, ``user`` [Q], ``features`` [M, D], ``count`` [Q] (how often each was
answered), ``cluster`` [Q] (whose answers may depend on one another, for the sandwich; without, each answer is by itself, and a person's are one in a mixture; with few
clusters the sandwich is too sure of itself). ``names`` [M] are what errors call the items. Returns an ``Estimated``.

Newton's method on all parameters at once, in float64; where the log-likelihood is not curved downwards, the information that is expected takes the place of the curvature
(scoring), and steps are halved until they help. Directions that no answer tells (the zero of the scores, the rotation of factors) are those without curvature at the
maximum: they are left out of the inverse, and a function that moves along them gets no interval.

Where no finite parameters are best it says so instead of returning large ones: an item that never lost to the others, a feature that separates all answers, ties that
never happened. ``ridge`` is the precision of a normal prior around 0 on every parameter, with which there is always a maximum (and everything is told: by the prior).

A likelihood with several maxima (of low rank, a mixture) is started ``starts`` times at random and the best is kept; that it is the best of all is not known. In six worlds
of two and three groups the best of 8 starts was never below the best of 8 runs of EM, and between a quarter and all of the starts led to it.

Source: Ford 1957 (when there is a maximum); the sandwich, Huber 1967 and White 1982; by clusters, Liang and Zeger 1986. For leaderboards of language models, arXiv 2403.04132.
Defaults: no prior; ``starts`` 8, ``tolerance`` (standard errors from the top, after which one more step is taken) 1e-6, ``max_steps`` 200: ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.estimators._answers import Answers, answers
from guerdon.exact.estimators._estimated import FLAT, Estimated, inverse, spectrum
from guerdon.exact.estimators._expected import root_information
from guerdon.exact.estimators._flat import Flat, jacobian, value_and_derivatives
from guerdon.exact.likelihoods import Likelihood
from guerdon.exact.likelihoods.bradley_terry import LN2, LN3, BradleyTerry
from guerdon.parts import describe
from guerdon.randomness import derive
from guerdon.witness import Witness

_LONGEST = 1.0  # nats of an answer: no parameter moves farther in a step (in mixtures, longer ones end in worse maxima more often)


@dataclass(frozen=True)
class MaximumLikelihood:
    likelihood: Likelihood
    ridge: float = 0.0
    starts: int = 8
    tolerance: float = 1e-6
    max_steps: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if self.ridge < 0 or self.starts < 1:
            raise InputError(
                f"ridge is {self.ridge} and starts {self.starts}: a precision is at least 0, and a search starts at least once"
            )

    def __call__(
        self,
        asked: Tensor,
        answer: Tensor,
        user: Tensor | None = None,
        features: Tensor | None = None,
        count: Tensor | None = None,
        cluster: Tensor | None = None,
        items: int | None = None,
        names: Sequence[str] | None = None,
    ) -> Estimated:
        data = answers(self.likelihood, asked, answer, user, features, count, cluster, items)
        if self.ridge == 0:
            self._refuse_unbounded(data, names)
        flat = Flat(self.likelihood.parameters(**data.sizes))

        def units(vector: Tensor) -> Tensor:
            return self.likelihood.answered(data.given | flat.split(vector), data.answer, data.count)

        def objective(vector: Tensor) -> Tensor:
            return units(vector).sum() - self.ridge / 2 * (vector @ vector)

        start = flat.join(self.likelihood.start(flat.shapes, derive(self.seed, "start")))
        _, each = jacobian(lambda v: self.likelihood.each(data.given | flat.split(v), data.answer), start)
        largest = each.abs().amax(0)
        unit = torch.where(largest > 0, 1 / largest, torch.ones_like(largest))  # of each parameter: what moves an answer by about a nat

        def expected(vector: Tensor) -> Tensor:
            told = root_information(lambda v: self.likelihood.every_answer(data.given | flat.split(v)), vector)
            return torch.einsum("q,qop,qor->pr", data.count, told, told) + self.ridge * torch.eye(flat.size, dtype=torch.float64)

        simple = self.likelihood.unimodal or self.likelihood.joint  # Newton's method by itself does well, or expectations are too long
        best = self._climb(objective, None if simple else expected, flat, unit)
        if self.ridge == 0:
            best = flat.join(self.likelihood.gauge(flat.split(best), features=data.given.get("features")))
        _, _, hessian = value_and_derivatives(objective, best)
        if self.ridge == 0:
            first = self._scores(data, flat, start) if self.likelihood.joint else data.count.sqrt().unsqueeze(-1) * each
            self._refuse_flat(-hessian, first.T @ first, unit, flat)
        covariance, untold = inverse(-hessian, unit)
        scores = self._scores(data, flat, best)
        return Estimated(
            flat.split(best), float(units(best).sum()), -hessian, covariance, covariance @ (scores.T @ scores) @ covariance, untold
        )

    def _scores(self, data: Answers, flat: Flat, at: Tensor) -> Tensor:
        """[clusters, P]: the outer products of its rows sum up to the meat of the sandwich."""
        if self.likelihood.joint:
            return jacobian(lambda vector: self.likelihood.answered(data.given | flat.split(vector), data.answer, data.count), at)[1]
        _, scores = jacobian(lambda vector: self.likelihood.each(data.given | flat.split(vector), data.answer), at)
        if data.clustered is None:
            return data.count.sqrt().unsqueeze(-1) * scores  # an answer that was given n times is n clusters alike
        index = torch.stack([data.clustered["cluster"], data.clustered["row"]])
        size = (int(index[0].max()) + 1, len(scores))
        return torch.sparse_coo_tensor(index, data.clustered["times"], size, check_invariants=False) @ scores

    def _climb(
        self, objective: Callable[[Tensor], Tensor], expected: Callable[[Tensor], Tensor] | None, flat: Flat, unit: Tensor
    ) -> Tensor:
        """The best of the maxima that the starts lead to."""
        best, highest = None, -torch.inf
        for start in range(1 if self.likelihood.unimodal else self.starts):
            at = flat.join(self.likelihood.start(flat.shapes, derive(self.seed, "start", start)))
            found = self._newton(objective, expected, at, unit)
            if found is not None and (value := float(objective(found))) > highest:
                best, highest = found, value
        if best is None:
            raise InputError(f"no finite maximum of {describe(self.likelihood)} was found on these answers: {_MEND}")
        return best

    def _newton(
        self, objective: Callable[[Tensor], Tensor], expected: Callable[[Tensor], Tensor] | None, at: Tensor, unit: Tensor
    ) -> Tensor | None:
        """The maximum that lies uphill, or None if steps do not get short."""
        for _ in range(self.max_steps):
            value, gradient, hessian = value_and_derivatives(objective, at)
            if not bool(hessian.isfinite().all()):
                return None
            step, left = self._step(
                unit * gradient, -hessian * torch.outer(unit, unit), expected and expected(at) * torch.outer(unit, unit)
            )
            if left <= self.tolerance**2:
                return at + unit * step
            step = unit * step * min(1.0, _LONGEST / max(float(step.abs().max()), _LONGEST))
            rounding = 16 * torch.finfo(torch.float64).eps * (1 + abs(float(value)))
            for _ in range(40):
                if float(objective(at + step)) >= float(value + gradient @ step / 4) - rounding:  # Newton's step gains half of the slope
                    break
                step = step / 2
            else:
                return None
            at = at + step
        return None

    def _step(self, gradient: Tensor, observed: Tensor, expected: Tensor | None) -> tuple[Tensor, float]:
        """A step uphill, [P], and how far the top is by the parabola there, in squared standard errors.

        Newton's where the log-likelihood is curved downwards in every direction that matters; elsewhere by the information that is expected (scoring), and without that by
        the size of the curvatures.
        """
        if expected is not None:
            size, direction = torch.linalg.eigh(expected)
            told = size > FLAT * size.max()  # without them one would turn factors, which changes no answer and has a curvature nevertheless
            size, basis = size[told], direction[:, told]
            gradient, observed = basis.T @ gradient, basis.T @ observed @ basis
            curvature, turn = torch.linalg.eigh(observed)
            least = FLAT * float(curvature.abs().max())
            if float(curvature.min()) < -least:
                return basis @ (gradient / size), 1.0
            told = curvature > least
            along = (turn.T @ gradient)[told]
            return basis @ turn[:, told] @ (along / curvature[told]), float((along**2 / curvature[told]).sum())
        size, direction = torch.linalg.eigh(observed)
        told = size.abs() > FLAT * size.abs().max()
        along = (direction.T @ gradient)[told]
        left = float((along**2 / size[told].abs()).sum())
        if left <= self.tolerance**2 and float(size.min()) < -FLAT * float(size.abs().max()):
            return 0.1 * direction[:, 0], 1.0  # a saddle: leave it along the line on which it is lowest
        return direction[:, told] @ (along / size[told].abs()), left

    def _refuse_unbounded(self, data: Answers, names: Sequence[str] | None) -> None:
        """Say who never lost (or won), before anything is computed."""
        found = self.likelihood.unbounded(data.given["asked"], data.answer)
        if found is None:
            return
        items, never = found
        said = ["none of them" if i == data.sizes["items"] else f"item {i}" if names is None else str(names[i]) for i in items]
        listed = ", ".join(said[:5]) + (f" and {len(said) - 5} more" if len(said) > 5 else "")
        whom = "" if len(said) == 1 else " to any of the others" if never == "lost" else " against any of the others"
        raise InputError(
            f"the likelihood has no finite maximum: {listed} never {never}{whom}, so {'its score grows' if len(said) == 1 else 'their scores grow'} without end "
            f"{'above' if never == 'lost' else 'below'} the rest. Leave {'it' if len(said) == 1 else 'them'} out, collect more answers, or give a prior (ridge=0.1)"
        )

    def _refuse_flat(self, information: Tensor, elsewhere: Tensor, unit: Tensor, flat: Flat) -> None:
        """Refuse a maximum that is flat where the start was not: the likelihood grows without end, or the answers need fewer parameters.

        ``elsewhere`` [P, P] is the sum of the outer products of the answers' scores at the start.
        """
        before, _ = spectrum(elsewhere, unit)
        size, direction = spectrum(information, unit)
        least = FLAT * max(float(before.max()), float(size.max()))
        untold = size <= least
        missing = int(untold.sum() - (before <= FLAT * before.max()).sum())
        if missing > 0:
            where = {flat.named(int(i)) for i in direction[:, untold].abs().argmax(0)}
            raise InputError(
                f"the likelihood of {describe(self.likelihood)} grows without end, or is flat at its maximum, in {missing} direction{'s' * (missing > 1)} "
                f"(among {', '.join(sorted(where))}): {_MEND}"
            )


_MEND = "give a prior (ridge=0.1), a likelihood with fewer parameters (features, rank, groups), or more answers"

_three_to_one = {"asked": torch.tensor([[0, 1], [1, 0]]), "answer": torch.tensor([0, 0]), "count": torch.tensor([3.0, 1.0])}
witness = (
    Witness(  # odds of 3 to 1; four answers tell 4 * 3/4 * 1/4 of the difference, whose variance is 4/3
        MaximumLikelihood(BradleyTerry()),
        given=_three_to_one,
        returns={
            "parameters": {"score": [LN3 / 2, -LN3 / 2]},
            "log_likelihood": 3 * LN3 - 8 * LN2,
            "covariance": [[1 / 3, -1 / 3], [-1 / 3, 1 / 3]],
            "robust": [[1 / 3, -1 / 3], [-1 / 3, 1 / 3]],
            "rank": 1,
        },
    ),
    Witness(  # at odds of 2 to 1 the answers pull by 3 - 4 * 2/3 = 1/3, and the prior by ridge / 2 * ln 2
        MaximumLikelihood(BradleyTerry(), ridge=2 / (3 * LN2)),
        parent=MaximumLikelihood(BradleyTerry()),
        given=_three_to_one,
        returns={"parameters": {"score": [LN2 / 2, -LN2 / 2]}, "log_likelihood": 3 * LN2 - 4 * LN3},
    ),
    Witness(  # in two clusters that each say one thing, scores 3 * 1/4 and -3/4 of the difference: 2 * 9/16 inside, times (4/3)^2
        MaximumLikelihood(BradleyTerry()),
        parent=MaximumLikelihood(BradleyTerry(), ridge=1.0),
        given=_three_to_one | {"cluster": torch.tensor([0, 1])},
        returns={"robust": [[1 / 2, -1 / 2], [-1 / 2, 1 / 2]], "covariance": [[1 / 3, -1 / 3], [-1 / 3, 1 / 3]]},
    ),
)
