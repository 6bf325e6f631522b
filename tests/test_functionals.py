"""Functionals: values and gradients are those of the formulas on whole logits, whatever computes them, and whole logits never exist."""

import dataclasses

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from guerdon.errors import InputError
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.models import kernels
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language import tiles
from guerdon.models.language.functionals import top_logp
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.tiles import COMPARING, FUNCTIONALS, OWN, NextSteps, functionals, of_logits
from guerdon.quantities import GLOSSARY, TOP, Name
from guerdon.sequences import Batch, Sequences
from guerdon.training.learner import Learner
from guerdon.training.measuring import attach_views, gather, measured, micro_batches
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Term
from guerdon.training.remembering import Remembering
from guerdon.training.tally import Tally
from guerdon.training.updates.moving_average import MovingAverage
from guerdon.training.views import Views
from test_fast_paths import SOME, V, drawn, gap, module, policy

FORMULAS = {  # of log-probabilities of the policy and of the other model [S, V], logits [S, V], steps taken [S]
    "logp": lambda p, q, z, a: p[torch.arange(len(a)), a],
    "entropy": lambda p, q, z, a: torch.special.entr(p.exp()).sum(-1),
    "trimmed_entropy": lambda p, q, z, a, at: torch.distributions.Categorical(
        logits=z.sort(-1, descending=True).values[:, : z.shape[-1] - int(float(at) * z.shape[-1])],
        validate_args=False,  # which cannot be done with no steps at all
    ).entropy(),
    "collision_entropy": lambda p, q, z, a: -p.exp().square().sum(-1).log(),
    "self_certainty": lambda p, q, z, a: torch.nn.functional.kl_div(p, torch.full_like(p, 1 / p.shape[-1]), reduction="none").sum(-1),
    "log_sum_exp": lambda p, q, z, a: z.exp().sum(-1).log(),
    "top_logp": lambda p, q, z, a: p.sort(-1, descending=True).values[:, : top_logp.TOP],
    "top_action": lambda p, q, z, a: p.sort(-1, descending=True).indices[:, : top_logp.TOP],
    "kl": lambda p, q, z, a: torch.nn.functional.kl_div(q, p, log_target=True, reduction="none").sum(-1),
    "forward_kl": lambda p, q, z, a: torch.nn.functional.kl_div(p, q, log_target=True, reduction="none").sum(-1),
    "jensen_shannon": lambda p, q, z, a, at: js(p, q, float(at)),
    "seen_top_logp": lambda p, q, z, a: (q + 0 * p).gather(-1, p.sort(-1, descending=True).indices[:, : top_logp.TOP]),
    "sorted_gap": lambda p, q, z, a: (p.exp().sort(-1).values - q.exp().sort(-1).values).abs().sum(-1),
    "shared_top_logp": lambda p, q, z, a: p.gather(-1, q.sort(-1, descending=True).indices[:, : top_logp.TOP]),
}


def js(p, q, b):
    mixed = (b * q.exp() + (1 - b) * p.exp()).log()
    return b * (q.exp() * (q - mixed)).sum(-1) + (1 - b) * (p.exp() * (p - mixed)).sum(-1)


BOUND = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 2e-2}
FAMILIES = {"jensen_shannon": "(0.3)", "trimmed_entropy": "(0.3)"}
NAMES = sorted(f"{'ref_' if name in COMPARING else ''}{name}{FAMILIES.get(name, '')}" for name in FUNCTIONALS)


def by_formula(names, logits, others, taken, temperature):
    """``others``: view → logits."""
    z = (logits if logits.dtype == torch.float64 else logits.float()) / temperature
    found = []
    for name in map(Name.parse, names):
        q = others[name.view].to(z.dtype).div(temperature).log_softmax(-1).detach() if name.view else None
        found.append(FORMULAS[name.quantity](z.log_softmax(-1), q, z, taken, *([name.at] if name.at else [])))
    return found


def backward(values, even: bool = False):
    """The gradient of a random functional of what has one; ``even``: in which all K count the same."""
    g = torch.Generator().manual_seed(5)
    weights = [torch.randn(v.shape, generator=g, dtype=torch.float64).to(v.dtype) for v in values]
    weights = [w[:, :1] if even and w.dim() > 1 else w for w in weights]
    sum((v * w).sum() for v, w in zip(values, weights, strict=True) if v.is_floating_point()).backward()


def test_every_functional_is_in_the_glossary_and_has_a_formula_here():
    assert FUNCTIONALS.keys() == FORMULAS.keys() and FUNCTIONALS.keys() <= GLOSSARY.keys()
    assert FUNCTIONALS.keys() == OWN | COMPARING and len(COMPARING) == 6


class Stack(torch.nn.Sequential):
    """A head that is more than one matrix."""

    @property
    def weight(self):
        return self[-1].weight


def world(dtype, bias=True, rows=50):
    g = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        heads = [torch.nn.Linear(8, V, bias=bias).to(dtype), torch.nn.Linear(6, V).to(dtype)]
    with torch.no_grad():
        for head in heads:
            head.weight.mul_(4)
    taken = torch.randint(V, (rows,), generator=g)
    return heads, torch.randn(rows, 8, generator=g).to(dtype), torch.randn(rows, 6, generator=g).to(dtype), taken


@pytest.mark.parametrize("names", [*([name] for name in NAMES), NAMES], ids="+".join)
@pytest.mark.parametrize("dtype", BOUND, ids=str)
@pytest.mark.parametrize("kind", ["matrix", "matrix and bias", "more than a matrix", "logits"])
def test_values_and_gradients_are_those_of_the_formulas(names, dtype, kind, monkeypatch):
    monkeypatch.setattr(tiles, "TILE", V * 16)
    rough = dtype == torch.bfloat16
    names = names if len(names) == 1 or not rough else [name for name in names if name != "ref_sorted_gap"]
    if rough:  # many logits are equal: all of them, so that it does not matter which come first
        monkeypatch.setattr(top_logp, "TOP", V)
    (head, other), start, states, taken = world(dtype, kind != "matrix")
    others, found = {"ref": NextSteps(states, other)}, []
    for fast in (True, False):
        head.zero_grad()
        hidden = start.clone().requires_grad_()
        if fast and kind == "logits":
            values = of_logits(head(hidden), taken, 0.7, names, others)
        elif fast:
            values = functionals(Stack(head) if kind == "more than a matrix" else head, hidden, taken, 0.7, names, others)
        else:
            values = by_formula(names, head(hidden), {"ref": other(states)}, taken, 0.7)
        assert all(v.requires_grad == v.is_floating_point() for v in values)
        if names != ["top_action"]:
            backward(values, even=rough)
        logits = head(start).detach().double()
        values = [v.detach() if v.is_floating_point() else logits.gather(-1, v) for v in values]  # equal logits may come in any order
        values = [v.sort(-1).values if rough and v.dim() > 1 else v for v in values]
        found.append([*values, *(x.grad.clone() for x in (hidden, *head.parameters()) if x.grad is not None)])
    assert other.weight.grad is None and other.bias.grad is None
    assert len(found[0]) == len(found[1])
    for mine, plain in zip(*found, strict=True):
        assert mine.shape == plain.shape and gap(mine, plain) < BOUND[dtype]
        if rough and names == ["ref_sorted_gap"]:  # its gradient has the signs of differences that may be no more than their rounding
            break


def test_what_is_asked_for_together_is_what_is_asked_for_alone():
    (head, other), hidden, states, taken = world(torch.float32)
    others = {"ref": NextSteps(states, other)}
    for name, value in zip(NAMES, functionals(head, hidden, taken, 1.0, NAMES, others), strict=True):
        torch.testing.assert_close(functionals(head, hidden, taken, 1.0, [name], others)[0], value, rtol=1e-5, atol=1e-5)


def test_no_steps_and_few_next_steps():
    (head, other), hidden, states, taken = world(torch.float32)
    none = functionals(head, hidden[:0], taken[:0], 1.0, NAMES, {"ref": NextSteps(states[:0], other)})
    some = functionals(head, hidden, taken, 1.0, NAMES, {"ref": NextSteps(states, other)})
    assert [(v.shape[1:], v.dtype) for v in none] == [(v.shape[1:], v.dtype) for v in some] and not any(map(len, none))
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    action, logp = of_logits(logits, torch.zeros(4, dtype=torch.long), 1.0, ["top_action", "top_logp"])
    torch.testing.assert_close(logits.log_softmax(-1).gather(-1, action), logp)
    assert action.shape == (4, 3) and (logp.diff() <= 0).all()


# through language models


def plainly(made, sequences: Sequences, others, names) -> dict[str, torch.Tensor]:
    """Row by row, without padding, from whole logits."""
    out = {}
    for b in range(len(sequences)):
        length, acted = int(sequences.length[b]), sequences.mask[b].nonzero().flatten()
        context, actions = sequences.contexts[int(sequences.context[b])], sequences.actions[b, :length]
        ids = torch.cat([context, actions]).unsqueeze(0)
        with torch.no_grad():
            theirs = {view: other(ids)[len(context) - 1 + acted] for view, other in others.items()}
        logits = made(input_ids=ids).logits[0][len(context) - 1 + acted]
        values = by_formula(names, logits, theirs, sequences.actions[b, acted], sequences.temperature)
        for name, value in zip(names, values, strict=True):
            whole = torch.zeros(sequences.actions.shape[1], *value.shape[1:], dtype=value.dtype)
            out.setdefault(name, []).append(whole.index_put((acted,), value))
    return {name: torch.stack(rows) for name, rows in out.items()}


def logits_of(made):
    return lambda ids: made(input_ids=ids).logits[0]


def agree(model, sequences: Sequences, others, views, names=NAMES, bound=1e-5):
    """Values, and gradients of every parameter."""
    trained = {name: p for name, p in model.module.named_parameters() if p.requires_grad}
    found = []
    for fast in (True, False):
        model.module.zero_grad()
        values = model.measure(sequences, set(names), views) if fast else plainly(model.module, sequences, others, names)
        backward([values[name] for name in names])
        found.append(({n: v.detach() for n, v in values.items()}, {n: p.grad.clone() for n, p in trained.items() if p.grad is not None}))
    (mine, gradients), (plain, wanted) = found
    for name in names:
        assert mine[name].shape == plain[name].shape and gap(mine[name], plain[name]) < bound, name
    norm = torch.cat([g.flatten() for g in wanted.values()]).norm()
    assert norm > 0.1 and gradients.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert float((gradients[name] - gradient).norm()) < bound * norm, name


SPARSE = dataclasses.replace(drawn([5, 9, 1], [(0, 3), (0, 7), (1, 4), (0, 0), (2, 6)], dense=False), temperature=0.7)


@pytest.mark.parametrize("family", ["llama", "gemma2"])
@pytest.mark.parametrize("other", ["qwen2, tied", "gemma2"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_language_model_measures_them_against_another(family, other, packed, monkeypatch):
    """Gemma 2 caps its logits: its head is not plain, and its rows are padded."""
    monkeypatch.setattr(tiles, "TILE", 1)
    mine, ref = policy(module(family)), policy(module(other, seed=1))
    if not packed:
        mine.unpacked_because = "the test says so"
    assert (mine.plain_head, mine.packed) == (family == "llama", family == "llama" and packed)
    agree(mine, SPARSE, {"ref": logits_of(ref.module)}, {"ref": ref}, bound=2e-5)
    assert all(p.grad is None for p in ref.module.parameters())


@pytest.mark.parametrize("target", ["all-linear", ("q_proj", "lm_head")])
def test_the_reference_of_adapters_is_the_model_without_them(target):
    made = policy(Lora(r=4, target_modules=target).wrap(module("llama"), seed=0))
    ref = made.reference()
    assert ref.module is made.module
    with torch.no_grad():
        for p in (p for p in made.module.parameters() if p.requires_grad):
            p += 0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(0))

    def off(ids):
        with made.module.disable_adapter():
            return made.module(input_ids=ids).logits[0]

    agree(made, SPARSE, {"ref": off}, {"ref": ref})
    assert all(p.grad is not None for p in made.module.parameters() if p.requires_grad)  # adapters are on again


def test_bfloat16_with_masters_and_adapters():
    made = policy(Lora(r=4).wrap(module("llama").to(torch.bfloat16), seed=0), torch.bfloat16)
    assert made.measure(SOME, {"ref_kl"}, {"ref": made.reference()})["ref_kl"].abs().max() < 1e-6
    with torch.no_grad():
        for p in (p for p in made.module.parameters() if p.requires_grad):
            p += 0.1
    value = made.measure(SOME, {"ref_kl"}, {"ref": made.reference()})["ref_kl"]
    assert value.abs().max() < 1e-6  # of adapters that have moved the reference is a copy
    value = made.measure(SOME, {"ref_kl"}, {"ref": policy(module("llama").to(torch.bfloat16))})["ref_kl"]
    value.sum().backward()
    assert value[SOME.mask].min() > 0.01
    assert any(p.grad.any() for p in made.module.parameters() if p.requires_grad)


def test_a_view_that_moves_is_compared_with_as_it_is_now():
    made = policy(module("llama"))
    views = Views(made, {Name.parse("ema_kl"), Name.parse("ref_kl")}, (MovingAverage(decay=0.5),), {})
    assert views.bound.keys() == {"ema", "ref"}
    start = {name: p.clone() for name, p in made.module.state_dict().items()}
    with torch.no_grad():
        for i, p in enumerate(made.module.parameters()):
            p += 0.2 * torch.randn(p.shape, generator=torch.Generator().manual_seed(i))
    views.update(1)
    half, old = module("llama"), module("llama")
    half.load_state_dict({name: (start[name] + p) / 2 for name, p in made.module.state_dict().items()})
    old.load_state_dict(start)
    names = ["ema_forward_kl", "ema_kl", "ref_kl"]
    agree(made, SPARSE, {"ema": logits_of(half), "ref": logits_of(old)}, views.bound, names)
    batch = Batch({"": SPARSE})
    wanted = {Name.parse(name) for name in names} | {Name("logp")}
    attach_views(batch, wanted, views.bound, 1000)
    assert not batch.sides[""].quantities  # what compares is not measured beforehand
    got = gather(batch, wanted, made, views.bound)
    assert got.keys() == {*names, "logp"} and all(value.requires_grad for value in got.values())


def test_the_sides_of_a_pair_and_what_a_view_says_by_itself():
    made, ref = policy(module("llama")), policy(module("llama", seed=1))
    sides = {side: drawn([5, 3, 7], [(0, n), (1, 2), (2, 5)], seed=n) for side, n in (("chosen", 4), ("rejected", 3))}
    batch, names = Batch(sides), [f"{side}_ref_{q}" for side in ("chosen", "rejected") for q in ("kl", "top_logp", "top_action")]
    attach_views(batch, map(Name.parse, names), {"ref": ref}, 20)
    got = gather(batch, map(Name.parse, names), made, {"ref": ref})
    assert got.keys() == set(names)
    for side, sequences in sides.items():
        torch.testing.assert_close(got[f"{side}_ref_kl"], made.measure(sequences, {"ref_kl"}, {"ref": ref})["ref_kl"], rtol=1e-5, atol=1e-5)
        top = ref.measure(sequences, {"top_logp", "top_action"})
        torch.testing.assert_close(got[f"{side}_ref_top_logp"], top["top_logp"].detach(), rtol=1e-4, atol=1e-5)
        assert torch.equal(got[f"{side}_ref_top_action"], top["top_action"]) and top["top_action"].shape == (3, 5, TOP)


def test_how_a_batch_is_split_changes_nothing(tmp_path):
    made = policy(module("llama").double())
    ref = Remembering(policy(module("llama", seed=1).double()), tmp_path)
    found = []
    for budget in (1000, 25):
        made.module.zero_grad()
        batch, tally = Batch({"": SOME}), Tally()
        Learner("policy", made, (), AdamW(), budget, {"ref": ref})._backward(batch, [Term(KLExact())], tally, False)
        found.append([torch.tensor(tally.means()["kl"]), *(p.grad.clone() for p in made.module.parameters())])
        values = measured(made, SOME, {"ref_kl", "top_logp"}, budget, {"ref": ref})
        found[-1] += [values["ref_kl"], values["top_logp"]]
    assert len(list(micro_batches(Batch({"": SOME}), 25))) > 3
    for one, other in zip(*found, strict=True):
        assert gap(one, other) < 1e-6 and one.norm() > 0


class Watching(TorchDispatchMode):
    """Remembers the largest tensor that was made, how often one of V columns was, and how often by a matrix product."""

    def __init__(self, columns: int):
        super().__init__()
        self.largest, self.columns, self.wide, self.products = 0, columns, 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for x in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(x, torch.Tensor):
                self.largest = max(self.largest, x.untyped_storage().nbytes() // x.element_size())
                wide = x.dim() == 2 and x.shape[1] == self.columns and x.shape[0] % 16 == 0 and not x._is_view()
                self.wide += wide
                self.products += wide and function.overloadpacket.__name__ in ("mm", "addmm")
        return out


def watched(made, sequences, views) -> tuple[Watching, Watching]:
    columns = made.module.config.vocab_size
    with Watching(columns) as forward:
        values = made.measure(sequences, set(NAMES), views)
    with Watching(columns) as back:
        backward(values.values())
    return forward, back


def test_whole_logits_never_exist_and_each_model_is_read_once_a_tile(monkeypatch):
    size = 3001
    monkeypatch.setattr(tiles, "TILE", size * 64)
    made, ref = (policy(module("llama", seed, vocab_size=size)) for seed in (0, 1))
    assert made.packed and ref.packed
    sequences = drawn([5, 9], [(b % 2, 40 + b) for b in range(16)])
    steps = int(sequences.mask.sum())
    bound, tile_count = 2 * size * 64, -(-steps // 64)
    assert steps * size > 5 * bound
    for seen in watched(made, sequences, {"ref": ref}):
        assert size * 64 <= seen.largest < bound
        assert seen.products == 2 * tile_count
    made.plain_head = ref.plain_head = False  # the watch sees whole logits where there are any
    assert all(seen.largest >= steps * size for seen in watched(made, sequences, {"ref": ref}))


PASSES = [  # over a tile's [R, V], where no kernel computes it: forward and backward
    (["logp"], 2, 4),  # product, log-softmax; product, softmax, factor, the step taken
    (["entropy", "logp"], 4, 8),
    (["ref_kl"], 7, 9),  # two products and two log-softmaxes in both
    (["entropy", "logp", "ref_kl"], 9, 14),
]


@pytest.mark.parametrize(("names", "forward", "back"), PASSES, ids=lambda x: "+".join(x) if isinstance(x, list) else "")
def test_what_is_asked_for_costs_no_pass_more(names, forward, back, monkeypatch):
    monkeypatch.setattr(tiles, "TILE", V * 16)
    monkeypatch.setattr(kernels, "can", lambda x: False)
    (head, other), hidden, states, taken = world(torch.float32, bias=False, rows=64)
    with Watching(V) as there:
        values = functionals(head, hidden.requires_grad_(), taken, 1.0, names, {"ref": NextSteps(states, other)})
    with Watching(V) as again:
        sum(values).sum().backward()
    assert (there.wide, again.wide) == (4 * forward, 4 * back)


@pytest.mark.skipif(bool(kernels.why_not()), reason="there are no kernels on this machine")
@pytest.mark.parametrize("names", [["logp"], ["entropy"], ["entropy", "logp"]], ids="+".join)
def test_where_there_is_a_kernel_only_products_are_left(names, monkeypatch):
    monkeypatch.setattr(tiles, "TILE", V * 16)
    (head, _), hidden, _, taken = world(torch.float32, bias=False, rows=64)
    with Watching(V) as there:
        values = functionals(head, hidden.requires_grad_(), taken, 1.0, names)
    with Watching(V) as again:
        sum(values).sum().backward()
    assert (there.wide, there.products, again.wide, again.products) == (4, 4, 4, 4)


def test_what_cannot_be_compared_is_said():
    made = policy(module("llama"))
    with pytest.raises(InputError, match="kl compares the policy with another model; say with which"):
        made.measure(SOME, {"kl"})
    with pytest.raises(InputError, match="view 'teacher', and no model is bound to it"):
        made.measure(SOME, {"teacher_kl"}, {"ref": made})
    with pytest.raises(InputError, match="HeadedModel has no next-step distribution"):
        made.measure(SOME, {"rm_kl"}, {"rm": HeadedModel(made, Scalar(), 0)})
    with pytest.raises(InputError, match="chooses among 50 next steps and the policy among 37"):
        made.measure(SOME, {"ref_kl"}, {"ref": policy(module("llama", vocab_size=50))})
    with pytest.raises(InputError, match="a TablePolicy has no next-step distribution like"):
        made.measure(SOME, {"ref_kl"}, {"ref": PrefixTable(2, 3, 2).build()})
