"""Health rules: what usually goes wrong, looked for in the numbers, and what to do about it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from guerdon.interfaces.report.curves import come_apart, watched
from guerdon.interfaces.report.figures import figures
from guerdon.interfaces.report.reading import Record

CLIPPED, NO_SIGNAL, GAP, GAP_IN_HALF = 0.5, 0.8, 1e-3, 0.1
COLLAPSED = 0.1  # of the entropy at the start
FEW = 0.3  # of the sample size, effective; ours
LOST = 0.1  # of the gain in reward, given back
SOLVED = 0.9  # of the best reward that was seen
EMPTY = 0.05  # of the steps
SHARE = 0.1  # of the run that "at the start" and "at the end" mean


@dataclass(frozen=True)
class Finding:
    """One rule, applied: broken or kept, with the figure and, where broken, what to do."""

    rule: str
    broken: bool
    sentence: str


def findings(record: Record) -> list[Finding]:
    """Every rule that the run's metrics allow to be applied; broken ones first."""
    found = [finding for rule in RULES for finding in rule(record)]
    return sorted(found, key=lambda finding: not finding.broken)


def _cut_off(record: Record) -> Iterator[Finding]:
    value = _end(record, "completions/clipped_ratio")
    if value is not None:
        advice = "; raise max_completion_length, or reward shorter answers" if value > CLIPPED else ""
        yield Finding(
            "completions end by themselves", value > CLIPPED, f"{value:.0%} of the last completions were cut off at the limit{advice}"
        )


def _signal(record: Record) -> Iterator[Finding]:
    value = _end(record, "frac_reward_zero_std")
    if value is None:
        return
    solved = _solved(record)
    broken = value > NO_SIGNAL and not solved
    advice = "; the prompts are too hard or too easy, or the reward is too coarse to tell the answers apart" if broken else ""
    done = ": the prompts are solved, and little is left to learn from them" if value > NO_SIGNAL and solved else ""
    yield Finding("groups differ in reward", broken, f"{value:.0%} of the last groups had equal rewards{advice}{done}")


def _solved(record: Record) -> bool:
    """Whether the last sampled completions get nearly the best reward that any completion of the run got."""
    best = max((o.reward for outcomes in record.sampled.values() for o in outcomes if np.isfinite(o.reward)), default=None)
    last = _end(record, "reward")
    return best is not None and last is not None and best > 0 and last > SOLVED * best


def _gap(record: Record) -> Iterator[Finding]:
    old = {step for step, steps_old in zip(*record.series("sampling/staleness"), strict=True) if steps_old > 0}
    gaps = zip(*record.series("sampling/sampling_logp_difference/max"), strict=True)
    values = [gap for step, gap in gaps if step not in old]  # what an older policy drew is far off with the best of programs
    if values:
        bound = GAP_IN_HALF if _half_precision(record) else GAP
        broken = max(values) > bound
        advice = (
            "; sampler and learner do not compute the same model: look at temperature, chat template, adapters and precision"
            if broken
            else ""
        )
        yield Finding("the sampler is the learner", broken, f"largest gap in log-probability {max(values):.1e} (bound {bound:.0e}){advice}")


def _old_rollouts(record: Record) -> Iterator[Finding]:
    stale, size = _end(record, "sampling/staleness"), _end(record, "sampling/effective_sample_size/token")
    if stale and size is not None:
        advice = (
            "; draw fewer steps ahead, lower learning_rate, or cut what would outweigh the rest (recipe: tis, icepop)" if size < FEW else ""
        )
        yield Finding("old rollouts still count", size < FEW, f"rollouts {stale:.0f} steps old are worth {size:.0%} of fresh ones{advice}")


def _entropy(record: Record) -> Iterator[Finding]:
    name, sign = ("entropy", 1) if record.series("entropy")[1] else ("sampling/logp", -1)
    start, end = _start(record, name), _end(record, name)
    rewards = record.series("reward")[1]
    if start is None or end is None or len(rewards) < 10 or sign * start <= 0:
        return
    smooth = np.convolve(rewards, np.ones(5) / 5, mode="valid")
    sank = sign * end < COLLAPSED * sign * start
    best, last = float(smooth.max()), float(smooth[-1])
    gained = best - float(smooth[0])
    lost = last < best - max(LOST * gained, 0.02 * abs(best)) or gained <= 0
    advice = (
        "; exploration has ended while the reward is below its best: lower the learning rate, or add an entropy term"
        if sank and lost
        else ""
    )
    solved = ", as it should where the reward has been learned" if sank and not lost else ""
    yield Finding(
        "the policy still explores", sank and lost, f"entropy went from {sign * start:.2g} to {sign * end:.2g} nats{advice}{solved}"
    )


def _failures(record: Record) -> Iterator[Finding]:
    values = record.series("rewards/failed")[1]
    if values:
        share = float(np.mean(values))
        advice = "; they were left out: the completions below whose reward failed say why" if share else ""
        yield Finding("rewards do not fail", share > 0, f"{share:.2%} of the completions could not be judged{advice}")


def _skipped(record: Record) -> Iterator[Finding]:
    values = record.series("skipped_steps")[1]
    if values:
        skipped = round(sum(values))
        advice = "; lower the learning rate and look at the batches around these steps" if skipped else ""
        yield Finding("every step is finite", skipped > 0, f"{skipped} steps were skipped{advice}")


def _empty(record: Record) -> Iterator[Finding]:
    empty, steps = len(record.series("empty_steps")[1]), len(record.series("reward")[1])
    if empty:
        broken = empty > EMPTY * steps and not _solved(record)
        advice = "; use prompts of another difficulty, or more refills" if broken else ""
        yield Finding("there is something to learn from", broken, f"{empty} of {steps} steps had no group left to learn from{advice}")


def _generalises(record: Record) -> Iterator[Finding]:
    for figure in figures(record):
        if figure.better is not None or figure.change is not None:
            broken = figure.better is False
            advice = "; what was learned does not help on prompts that were not trained on" if broken else ""
            change = figure.change
            yield Finding(
                f"{figure.name.lower()} does not fall",
                broken,
                f"changed by {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]{advice}",
            )


def _comes_apart(record: Record) -> Iterator[Finding]:
    for name in watched(record):
        found = come_apart(record, name)
        said = "both were looked at, and nothing shows that they do"
        if found is not None:
            said = (
                f"from step {found.moment:.0f} on the reward rises ({found.proxy[0]:.3g} to {found.proxy[1]:.3g} by step {found.seen:.0f}) while {name} falls "
                f"({found.gold[0]:.3g} to {found.gold[1]:.3g}); keep the model from before (budget.keep_best=monitor/{name}), hold the policy closer to its "
                "start, or learn from something else"
            )
        yield Finding(f"the reward and {name} do not come apart", found is not None, said)


def _overfits(record: Record) -> Iterator[Finding]:
    training, held_out = record.series("loss")[1], record.series("eval/loss")[1]
    if len(held_out) > 2 and len(training) > 2 and "reward" not in record.names():
        rises = held_out[-1] > 1.02 * min(held_out) and _mean(training, -1) < _mean(training, 0)
        advice = "; the rows are being learned by heart: take fewer steps, or more rows" if rises else ""
        yield Finding(
            "held-out loss does not rise", rises, f"held-out loss is {held_out[-1]:.3g}, its lowest was {min(held_out):.3g}{advice}"
        )


def _chance(record: Record) -> Iterator[Finding]:
    values = record.series("eval/rewards/accuracies")[1]
    if values:
        broken = values[-1] <= 0.5
        advice = "; look at whether chosen and rejected are the right way round" if broken else ""
        yield Finding("pairs are told apart", broken, f"held-out pair accuracy is {values[-1]:.1%}, chance is 50 %{advice}")


RULES: tuple[Callable[[Record], Iterator[Finding]], ...] = (
    _cut_off,
    _signal,
    _gap,
    _old_rollouts,
    _entropy,
    _failures,
    _skipped,
    _empty,
    _generalises,
    _overfits,
    _chance,
    _comes_apart,
)


def _start(record: Record, name: str) -> float | None:
    values = record.series(name)[1]
    return _mean(values, 0) if values else None


def _end(record: Record, name: str) -> float | None:
    values = record.series(name)[1]
    return _mean(values, -1) if values else None


def _mean(values: list[float], end: int) -> float:
    count = max(1, round(SHARE * len(values)))
    return float(np.mean(values[:count] if end == 0 else values[-count:]))


def _half_precision(record: Record) -> bool:
    text = json.dumps(record.configuration, default=str)
    return '"dtype": "auto"' in text or any(f'"{name}"' in text for name in ("bf16", "bfloat16", "fp16", "float16"))
