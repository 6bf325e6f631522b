"""What was found: sentences whose figures are read from the results. One that the results do not bear out says nothing, and a test counts those that are said."""

from collections.abc import Callable

from studies.exact_preferences.reading import NOTHING, ZERO, Table, listed

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
TOLD = "robust DPO (told the rate)"
NEAR, MISSING = 0.005, 0.03  # reward below the frontier: up to here it counts as on it, from there on as off it

Finding = Callable[[Table], str]


def found(table: Table) -> list[str]:
    """The section, of what can be said of the objectives that the table has."""
    return ["## What was found\n", *(f"- {text}" for text in findings(table)), ""]


def findings(table: Table) -> list[str]:
    said = (finding(table) for finding, of in FINDINGS if set(of) <= set(table.objectives))
    return [text for text in said if text]


def _exact(table: Table) -> str:
    right = table.where(lambda o: max(table.regret(o, s) for s in (ALL, REFERENCE, CONTRARY)) < ZERO)
    others = [o for o in table.best(ALL, tuned=True) if table.regret(o, ALL, True) >= ZERO][:5]
    if "DPO" not in right:
        return ""
    return (
        "**With right labels and every pair asked, these ask for the optimum itself**, whatever pairs are drawn from and whatever the reference prefers: "
        f"{listed(right)}. No other does, at any strength of the grid. Nearest on all pairs, at their best strength, come {listed([table.with_best(o, ALL) for o in others])}."
    )


def _same(table: Table) -> str:
    differ = max(abs(table.regret("DPO", s) - table.regret("RLHF in two stages", s)) for s in table.situations)
    return (
        "**DPO is RLHF in two stages** in every column, also where both are wrong: a table has no generalisation in which they could differ."
        if differ < 1e-3
        else ""
    )


def _unbiased(table: Table) -> str:
    if max(table.regret(TOLD, s) for s in FLIPPED) > ZERO:
        return ""
    return (
        "**Wrong labels at a known rate are taken back exactly** by `Unbiased`, on any link: robust DPO stays at 0 from 10 to 40 % of flipped labels, "
        f"and IPO and SLiC stay what they are with right ones. DPO's regret grows ({', '.join(table.own('DPO', s) for s in FLIPPED)}), "
        f"but flips shrink what is learned and hardly turn it: at its best strength {', '.join(table.best_of('DPO', s) for s in FLIPPED)} are left. "
        f"In finite samples, 512 pairs with 20 % flipped, there is a price in variance: told the rate {table.own(TOLD, NOISY)}; "
        f"DPO {table.own('DPO', NOISY)} at the same strength and {table.best_of('DPO', NOISY)} at its best."
    )


def _smoothing(table: Table) -> str:
    told, fixed = "cDPO (told the rate)", "cDPO (rate 0.1)"
    if any(table.regret(told, s) < table.regret("DPO", s) for s in FLIPPED):
        return ""
    return (
        f"**Label smoothing is no cure for flipped labels.** Told the true rate, cDPO is further off than DPO at every share (20 %: {table.own(told, FLIPPED[1])} against "
        f"{table.own('DPO', FLIPPED[1])}): labels that are noted down wrongly are already less sure, and it makes them less sure once more. It helps where labels are surer than they "
        f"should be: {table.own(fixed, SHARPER)} against {table.own('DPO', SHARPER)} where people are three times surer, {table.own(fixed, SURE)} against {table.own('DPO', SURE)} where they "
        "have no doubt."
    )


def _wrong_rate(table: Table) -> str:
    name = "robust DPO (rate 0.1)"
    if table.regret(name, ALL) < 10 * ZERO or table.cell(name, SURE, False)["off"] < 0.5:
        return ""
    return (
        f"**A rate that is not the true one costs**: robust DPO told 0.1 has {table.own(name, ALL)} where no label is wrong; pairs that are nearly always decided the same way leave its loss "
        f"without a bound below ({table.own(name, SURE)} with labels without doubt, and the policy runs off)."
    )


def _direction(table: Table) -> str:
    straight = table.where(lambda o: table.regret(o, ALL) > 0.1 and table.regret(o, ALL, True) < 0.05 and table.below(o, ALL) < NEAR)
    turned = sorted(table.where(lambda o: table.below(o, ALL) > MISSING), key=lambda o: -table.below(o, ALL))
    if not straight or not turned:
        return ""
    return (
        f"**Some are wrong by their strength alone, others by their direction.** {listed(straight)} have a regret above 0.1 at β = {table.measured['beta']:g} and, once tuned, lie on the frontier of reward against KL "
        f"(less than {NEAR:g} below it): what they learn points the right way. No strength mends {len(turned)} others, which miss more than {MISSING:g} of the reward that the same KL could buy; most of all "
        f"{listed(turned[:6])} (the third of the tables below)."
    )


def _soft(table: Table) -> str:
    if table.regret("DPO (soft labels)", DRAWN) > ZERO:
        return ""
    return (
        f"**What a finite sample costs is its labels, not its pairs.** On 512 pairs drawn from the reference DPO has {table.own('DPO', DRAWN)}; on the same pairs with the share of people for a label (`Soft`) it has none. "
        f"With 20 % of people noting down the wrong verdict, soft labels leave {table.best_of('DPO (soft labels)', NOISY)} to DPO and {table.best_of('EXO (soft labels)', NOISY)} to EXO at their best strength, hard ones "
        f"{table.best_of('DPO', NOISY)} and {table.best_of('EXO', NOISY)}."
    )


def _coverage(table: Table) -> str:
    first = table.best(HALF, tuned=True)[:4]
    worse = table.where(lambda o: table.regret(o, HALF) > table.of_nothing(HALF))
    if not worse:
        return ""
    return (
        f"**What was never shown is not learned by anybody.** With half of the answers shown the best at their best strength are {listed([table.with_best(o, HALF) for o in first])}; DPO has {table.own('DPO', HALF)} at its own, "
        f"and nothing learned costs {table.own(NOTHING, HALF)}. Even that is exceeded by {listed(worse)}: no label holds the shown answers as a whole against the others, and these let them rise or fall."
    )


def _sft(table: Table) -> str:
    if table.regret("DPO + SFT", ALL) < 10 * ZERO or table.regret("RPO", SURE, True) > table.regret("DPO", SURE, True):
        return ""
    return (
        f"**A second term of SFT pulls towards what is chosen, not towards what is better.** As large as the comparison it costs: DPO + SFT {table.own('DPO + SFT', ALL)}, MPO {table.own('MPO', ALL)}; CPO {table.best_of('CPO', ALL)} and ORPO "
        f"{table.best_of('ORPO', ALL)} at their best; SFT on the chosen by itself {table.own('SFT on the chosen', ALL)}. As small as RPO has it (η = 0.005) it costs {table.own('RPO', ALL)}, and where labels have no doubt it keeps the policy from "
        f"going all the way to one answer: there RPO has {table.best_of('RPO', SURE)} at its best strength, DPO {table.best_of('DPO', SURE)}."
    )


def _reference(table: Table) -> str:
    wrong = ", ".join(f"{o} {100 * table.cell(o, ALL, False)['misordered'][0]:.0f} %" for o in ("SimPO", "AlphaPO", "ORPO", "CPO"))
    return (
        f"**Without a reference in the score, the reference is forgotten.** Against it so many pairs are in the wrong order: {wrong}. Where the reference prefers the worse answers, "
        f"{listed([table.with_best(o, CONTRARY) for o in ('CPO', 'ORPO', 'SFT on the chosen')])} look good for that reason alone: they ask for the same as everywhere, and the optimum has moved there."
    )


def _length(table: Table) -> str:
    name = "DPO (mean over tokens)"
    return (
        f"**A mean over tokens is another objective where lengths differ** (here one to seven): DPO on the mean log-ratio ranks {100 * table.cell(name, ALL, False)['misordered'][0]:.0f} % of the pairs wrongly, and keeps "
        f"{table.best_of(name, ALL)} at its best strength."
    )


def _verdicts(table: Table) -> str:
    if table.regret("BCO", ALL, True) > 0.5 * table.regret("BCO on pairs", ALL, True):
        return ""
    return (
        f"**A reference point makes verdicts nearly as good as pairs.** BCO, which counts from halfway between the mean scores of good and bad answers, has {table.own('BCO', ALL)} on all pairs taken apart; without it and on pairs it has "
        f"{table.own('BCO on pairs', ALL)}."
    )


def _symmetric(table: Table) -> str:
    differ = max(abs(table.regret("APO zero", s) - table.regret("APO zero", ALL)) for s in FLIPPED)
    if differ > 0.002:
        return ""
    return (
        f"**Where right and wrong cost add up to a constant, flips change nothing, known or not**: σ(s) + σ(−s) = 1, so APO zero keeps {table.own('APO zero', ALL)} from 0 to 40 % flipped labels, and KTO nearly so "
        f"({', '.join(table.own('KTO', s) for s in FLIPPED)}). The price is that they see which side is chosen more often and not how much more: {100 * table.cell('APO zero', ALL, False)['misordered'][0]:.0f} % of the pairs are in the wrong order without any flip."
    )


def _weights(table: Table) -> str:
    if table.regret("WPO", ALL) > ZERO:
        return ""
    name = "IPO × WPO's weight"
    return (
        f"**A weight on pairs moves only a minimiser that does not fit every pair.** WPO's leaves DPO's optimum where it is; put on IPO, a composition that nobody seems to have tried, it is another mean over pairs "
        f"({table.best_of(name, ALL)} against {table.best_of('IPO', ALL)} on all pairs at the best strength, {table.best_of(name, CYCLES)} against {table.best_of('IPO', CYCLES)} with cycles)."
    )


def _discopop(table: Table) -> str:
    if table.regret("DiscoPOP", ALL) < table.of_nothing(ALL):
        return ""
    slope = (1 - 0.6931) / (4 * 0.05) - 0.75
    return (
        f"**DiscoPOP, started at the reference, learns the wrong order**: {table.own('DiscoPOP', ALL)}, more than learning nothing costs. At d = 0 its slope is (1 − log 2) / (4 · 0.05) − 3/4 = {slope:.2f}, upwards: chosen answers are pushed "
        "*down*, into the bump left of 0. Full batches from exactly the reference stay there; the noise of small ones can leave it."
    )


def _off(table: Table) -> str:
    everywhere = table.where(lambda o: all(table.cell(o, s, False)["off"] > 0.5 for s in (*FLIPPED[:3], ALL)))
    sure = table.where(lambda o: o not in everywhere and table.cell(o, SURE, False)["off"] > 0.5)
    if "AOT (unpaired)" not in everywhere or not sure:
        return ""
    return (
        f"**No minimiser at all** is there for {listed(everywhere)}, with uncertain labels too. Of AOT without pairs: sorted, the chosen sides lead the rejected ones at every rank as soon as better answers are chosen more often, and a "
        f"larger lead is always cheaper. Where labels have no doubt {len(sure)} more run off, DPO among them."
    )


def _cycles(table: Table) -> str:
    first = table.best(CYCLES, tuned=True)[:4]
    worse = sorted(
        table.where(lambda o: table.has(o, CYCLES) and table.regret(o, CYCLES) > table.of_nothing(CYCLES)),
        key=lambda o: -table.regret(o, CYCLES),
    )
    if not worse or table.regret(first[0], CYCLES, True) < 0.01:
        return ""
    return (
        f"**Where no reward explains the preferences, none finds the equilibrium**: offline, one answers those who were asked and not oneself. Most come nearer than the reference, whose gap is {table.own(NOTHING, CYCLES)} (DPO "
        f"{table.own('DPO', CYCLES)}); best at their best strength are {listed([table.with_best(o, CYCLES) for o in first])}. {len(worse)} objectives are easier to exploit than the reference at their own strength, most of all {listed(worse[:4])}."
    )


FINDINGS: tuple[tuple[Finding, tuple[str, ...]], ...] = (
    (_exact, ("DPO", "IPO")),
    (_same, ("DPO", "RLHF in two stages")),
    (_unbiased, ("DPO", TOLD, "SLiC × unbiased (told the rate)", "IPO × unbiased (told the rate)")),
    (_smoothing, ("DPO", "cDPO (told the rate)", "cDPO (rate 0.1)")),
    (_wrong_rate, ("robust DPO (rate 0.1)",)),
    (_direction, ("IPO", NOTHING)),
    (_soft, ("DPO", "DPO (soft labels)", "EXO", "EXO (soft labels)")),
    (_coverage, ("DPO", "BCO", NOTHING)),
    (_sft, ("DPO", "RPO", "DPO + SFT", "MPO", "CPO", "ORPO", "SFT on the chosen")),
    (_reference, ("SimPO", "AlphaPO", "ORPO", "CPO", "SFT on the chosen")),
    (_length, ("DPO (mean over tokens)",)),
    (_verdicts, ("KTO", "BCO", "BCO on pairs")),
    (_symmetric, ("APO zero", "KTO")),
    (_weights, ("WPO", "IPO", "IPO × WPO's weight")),
    (_discopop, ("DiscoPOP", NOTHING)),
    (_off, ("AOT (unpaired)",)),
    (_cycles, ("DPO", "EXO", NOTHING)),
)
