"""What was found: sentences whose figures are read from the results. One that the results do not bear out says nothing, and a test counts those that are said."""

from collections.abc import Callable

from studies.exact_preferences.reading import NOTHING, Table, listed, number

ALL, REFERENCE, HALF, CONTRARY, SHARPER, SURE, CYCLES = (
    "all pairs",
    "pairs from the reference",
    "half of the answers shown",
    "contrary reference",
    "sharper labels",
    "labels without doubt",
    "cycles",
)
DRAWN, NOISY = "512 pairs from the reference", "512 pairs, 20 % flipped"
FLIPPED = tuple(f"{percent} % flipped" for percent in (10, 20, 30, 40))
EXACT = 1e-6  # a regret below is none
TURNED = 0.005  # reward below the frontier from which on a policy counts as turned the wrong way


def found(table: Table) -> list[str]:
    """The section, of what can be said of the objectives that the table has."""
    return ["## What was found\n", *(f"- {text}" for text in findings(table)), ""]


def findings(table: Table) -> list[str]:
    said = (finding(table) for finding, of in FINDINGS if set(of) <= set(table.objectives))
    return [text for text in said if text]


def _exact(table: Table) -> str:
    right = table.where(lambda o: max(table.regret(o, s) for s in (ALL, REFERENCE, CONTRARY)) < EXACT)
    if not {"DPO", "RLHF in two stages"} <= set(right):
        return ""
    return (
        f"**With right labels and every pair, {listed(right)} ask for the optimum itself**, whatever the pairs are drawn from and whatever the reference prefers. No other objective "
        f"does, at any strength of the grid; the nearest are {_nearest(table, right)} (all pairs, best strength)."
    )


def _nearest(table: Table, but: list[str]) -> str:
    others = [o for o in table.best(ALL, tuned=True) if o not in but and table.regret(o, ALL, True) >= EXACT][:4]
    return listed([f"{o} ({number(table.regret(o, ALL, True))})" for o in others])


def _same(table: Table) -> str:
    differ = max(abs(table.regret("DPO", s) - table.regret("RLHF in two stages", s)) for s in table.situations)
    if differ > 1e-3:
        return ""
    return f"**DPO is RLHF in two stages**, in every column (the regrets differ by {number(differ)} at most), also where it is wrong: a table has no generalisation in which they could differ."


def _noise(table: Table) -> str:
    robust, dpo = "robust DPO, told the rate", "DPO"
    if max(table.regret(robust, s) for s in FLIPPED) > EXACT:
        return ""
    path = ", ".join(number(table.regret(dpo, s)) for s in FLIPPED)
    mended = ", ".join(number(table.regret(dpo, s, True)) for s in FLIPPED)
    return (
        f"**Wrong labels at a known rate are taken back exactly** by `Unbiased` on any link: robust DPO stays at 0 from 10 to 40 % flipped labels, and IPO and SLiC stay what they are with right ones. "
        f"DPO's regret grows with the share ({path}), but flips shrink what is learned more than they turn it: at the best strength {mended} are left. "
        f"In {table.measured['worlds']} finite samples of 512 pairs with 20 % flipped, being told is worth less: {number(table.regret(robust, NOISY))} against {number(table.regret(dpo, NOISY))} of DPO at the same strength, "
        f"and {number(table.regret(dpo, NOISY, True))} of DPO at its best."
    )


def _smoothing(table: Table) -> str:
    worse = all(table.regret("cDPO, told the rate", s) > table.regret("DPO", s) for s in FLIPPED)
    if not worse:
        return ""
    return (
        f"**Label smoothing is no cure for flipped labels.** Told the true rate, cDPO has more regret than DPO at every share (20 %: {number(table.regret('cDPO, told the rate', FLIPPED[1]))} "
        f"against {number(table.regret('DPO', FLIPPED[1]))}): expected labels are uncertain already, and it shrinks them once more. It helps where labels are surer than people are: sharper labels "
        f"{number(table.regret('cDPO, rate 0.1', SHARPER))} against {number(table.regret('DPO', SHARPER))}, labels without doubt {number(table.regret('cDPO, rate 0.1', SURE))} against {number(table.regret('DPO', SURE))}."
    )


def _wrong_rate(table: Table) -> str:
    name = "robust DPO, rate 0.1"
    if table.regret(name, ALL) < 10 * EXACT:
        return ""
    return f"**A rate that is not the true one costs**: robust DPO told 0.1 has {number(table.regret(name, ALL))} where no label is wrong, and where pairs are nearly always decided the same way its loss has no bound below."


def _direction(table: Table) -> str:
    straight = table.where(lambda o: table.regret(o, ALL) > 0.1 and table.cell(o, ALL, True)["below"][0] < TURNED)
    turned = table.where(lambda o: table.regret(o, ALL, True) > 0.05 and table.cell(o, ALL, True)["below"][0] > 0.03)
    if not straight or not turned:
        return ""
    return (
        f"**Some are wrong by their strength alone, others by their direction.** {listed(straight)} have much regret at β = {table.measured['beta']:g} and nearly none once tuned: what they learn lies on the frontier of reward against KL "
        f"(within {TURNED:g}), they only count the steps otherwise. No strength mends {listed(turned)}: at the same KL more than 0.03 of reward is missing, of {number(table.of_nothing(ALL))} that there is to be won."
    )


def _soft(table: Table) -> str:
    if table.regret("DPO, soft labels", DRAWN) > EXACT:
        return ""
    return (
        f"**What a finite sample costs is its labels, not its pairs**: with 512 pairs drawn from the reference DPO has {number(table.regret('DPO', DRAWN))}; with the same pairs labelled by the share of people (`Soft`) it has 0. "
        f"With 20 % of them flipped, soft labels and the best strength leave {number(table.regret('DPO, soft labels', NOISY, True))} to DPO and {number(table.regret('EXO, soft labels', NOISY, True))} to EXO."
    )


def _coverage(table: Table) -> str:
    best = table.best(HALF, tuned=True)[0]
    return (
        f"**What was never shown cannot be learned.** With half of the answers shown the best objective at its best strength ({best}) keeps {number(table.regret(best, HALF, True))} of the {number(table.of_nothing(HALF))} that there were to "
        f"be won, DPO {number(table.regret('DPO', HALF))} at its own; objectives that also say how likely an answer is to be *in itself* (SFT as a second term, BCO, KTO) are no better than those that only compare: "
        f"DPO + SFT {number(table.regret('DPO + SFT', HALF, True))}, BCO on pairs {number(table.regret('BCO on pairs', HALF, True))}, KTO {number(table.regret('KTO', HALF, True))}. What they find there also depends on the path: the loss has a valley."
    )


def _sft(table: Table) -> str:
    if table.regret("DPO + SFT", ALL) < 10 * EXACT:
        return ""
    return (
        f"**A second term of SFT pulls towards what is chosen, not towards what is better**: DPO + SFT {number(table.regret('DPO + SFT', ALL))}, MPO {number(table.regret('MPO', ALL))}, CPO {number(table.regret('CPO', ALL, True))} and ORPO "
        f"{number(table.regret('ORPO', ALL, True))} at their best; SFT on the chosen alone {number(table.regret('SFT on the chosen', ALL))}, of {number(table.of_nothing(ALL))}. It is what remains where labels have no doubt: there "
        f"{number(table.regret('DPO + SFT', SURE))} against DPO's {number(table.regret('DPO', SURE))}."
    )


def _reference(table: Table) -> str:
    free = ("SimPO", "ORPO", "CPO")
    return (
        "**Without a reference in the score the reference is forgotten**: "
        + ", ".join(f"{o} ranks {100 * table.cell(o, ALL, False)['misordered'][0]:.0f} % of the pairs wrongly against it" for o in free)
        + f". Where the reference prefers the worse answers, {listed([f'{o} ({number(table.regret(o, CONTRARY, True))})' for o in ('CPO', 'ORPO', 'SFT on the chosen')])} look good for that reason alone: what they ask for is the same as "
        f"everywhere, and the optimum happens to have moved there."
    )


def _length(table: Table) -> str:
    name = "DPO, mean over tokens"
    return f"**A mean over tokens is another objective when lengths differ** (here one to seven): DPO on the mean log-ratio ranks {100 * table.cell(name, ALL, False)['misordered'][0]:.0f} % of the pairs wrongly and keeps {number(table.regret(name, ALL, True))} at its best strength."


def _discopop(table: Table) -> str:
    if table.regret("DiscoPOP", ALL) < table.of_nothing(ALL):
        return ""
    return (
        f"**DiscoPOP started at the reference learns the wrong order** ({number(table.regret('DiscoPOP', ALL))}, more than learning nothing): at d = 0 its slope is m'(0) (1 − log 2) − 3/4 = {1 / (4 * 0.05) * (1 - 0.6931) - 0.75:.2f}, upwards, so the chosen side is pushed "
        "*down* into the bump to the left of 0. Full batches from exactly the reference stay there; noise of mini-batches can leave it."
    )


def _off(table: Table) -> str:
    everywhere = table.where(lambda o: all(table.cell(o, s, False)["off"] > 0.5 for s in (*FLIPPED, ALL)))
    sure = table.where(lambda o: table.cell(o, SURE, False)["off"] > 0.5 and table.cell(o, ALL, False)["off"] < 0.5)
    if not everywhere or not sure:
        return ""
    return (
        f"**No minimiser at all**: {listed(everywhere)} run off with any labels. Sorted, the chosen sides lead the rejected ones at every rank as soon as better answers are chosen more often, so a larger lead is always cheaper. "
        f"With labels that have no doubt {listed(sure)} run off as well."
    )


def _cycles(table: Table) -> str:
    best = table.best(CYCLES, tuned=True)[:3]
    worse = table.where(lambda o: table.has(o, CYCLES) and table.regret(o, CYCLES) > table.of_nothing(CYCLES))
    if not worse:
        return ""
    return (
        f"**Where no reward explains the preferences nobody finds the equilibrium**, but most come nearer than the reference (gap {number(table.of_nothing(CYCLES))}; DPO {number(table.regret('DPO', CYCLES))}): an offline objective answers "
        f"those who were asked, not itself. Best at their best strength are {listed([f'{o} ({number(table.regret(o, CYCLES, True))})' for o in best])}; at their own strength {len(worse)} objectives, among them {listed(sorted(worse, key=lambda o: -table.regret(o, CYCLES))[:3])}, "
        "can be exploited more than the reference."
    )


def _new(table: Table) -> str:
    dpo, name = "DPO", "IPO x WPO's weight"
    return (
        f"**A weight on pairs moves a minimiser that has no exact fit.** WPO's weight leaves DPO's optimum where it is ({number(table.regret('WPO', ALL))} on all pairs), since every pair is fitted; what it does to IPO "
        f"({name}: {number(table.regret(name, ALL, True))} against {number(table.regret('IPO', ALL, True))} at the best strength) is another mean over pairs."
        if table.regret("WPO", ALL) < EXACT and table.regret(dpo, ALL) < EXACT
        else ""
    )


FINDINGS: tuple[tuple[Callable[[Table], str], tuple[str, ...]], ...] = (
    (_exact, ("DPO", "RLHF in two stages", "NCA")),
    (_same, ("DPO", "RLHF in two stages")),
    (_noise, ("DPO", "robust DPO, told the rate", "SLiC x unbiased, told the rate", "IPO x unbiased, told the rate")),
    (_smoothing, ("DPO", "cDPO, told the rate", "cDPO, rate 0.1")),
    (_wrong_rate, ("robust DPO, rate 0.1",)),
    (_direction, ("IPO", "NCA")),
    (_soft, ("DPO", "DPO, soft labels", "EXO, soft labels")),
    (_coverage, ("DPO", "DPO + SFT", "BCO on pairs", "KTO")),
    (_sft, ("DPO", "DPO + SFT", "MPO", "CPO", "ORPO", "SFT on the chosen")),
    (_reference, ("SimPO", "ORPO", "CPO", "SFT on the chosen")),
    (_length, ("DPO, mean over tokens",)),
    (_new, ("DPO", "WPO", "IPO", "IPO x WPO's weight")),
    (_discopop, ("DiscoPOP", NOTHING)),
    (_off, ("AOT, unpaired", "APO down")),
    (_cycles, ("DPO", "EXO", NOTHING)),
)
