"""LoRA: train low-rank additions to the weight matrices instead of the matrices.

    W x + (alpha / r) B A x,  with B = 0 at the start
    W x + (alpha / sqrt(r)) B A x                        with use_rslora
    m (W + s B A) x / |W + s B A|                        with use_dora: the norm of each row of the matrix, and m, which starts as that of W, is trained

Source: arXiv 2106.09685, eq. 3; rsLoRA: arXiv 2312.03732, theorem 3.2; DoRA: arXiv 2402.09353, eq. 5. ``r`` 16 and ``lora_alpha`` 32 on every linear layer:
peft's and TRL's usual setting. Fields are called as in ``peft``.
"""

import re
import warnings
from dataclasses import dataclass

from torch import nn

from guerdon.errors import InputError
from guerdon.models.language.adapters import NOWHERE, in_float32

ALL = "all-linear"


@dataclass(frozen=True)
class Lora:
    """Specification of fresh adapters.

    Attributes:
        r: the rank.
        lora_alpha: how large the addition is, with the rank as above.
        target_modules: which layers: ``all-linear`` (all but the output head), the last words of their names, or a regular expression that a whole name
            meets (``.*layers\\.[01]\\..*_proj``).
        lora_dropout: the share of an adapter's inputs that is dropped where the learner computes a gradient, and nowhere else: drawn from the run's seed, the number
            of the step and the sequence's tokens, so that a step is the same whenever and in whatever pieces it is made. Not where a policy learns from what it sampled.
        modules_to_save: layers that are trained whole and saved with the adapters (``embed_tokens``, ``lm_head``).
        exclude_modules: names, or an expression, of layers that are left out.
        layers_to_transform: numbers of the layers that get adapters; none: all.
    """

    r: int = 16
    lora_alpha: float = 32.0
    target_modules: str | tuple[str, ...] = ALL
    lora_dropout: float = 0.0
    use_rslora: bool = False
    use_dora: bool = False
    modules_to_save: tuple[str, ...] = ()
    exclude_modules: str | tuple[str, ...] = ()
    layers_to_transform: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.r < 1:
            raise InputError(f"r: it is {self.r}, and adapters have a rank of at least 1; without adapters, leave lora out")
        if not self.lora_alpha > 0:
            raise InputError(f"lora_alpha: it is {self.lora_alpha} and must be above 0")
        if not 0 <= self.lora_dropout < 1:
            raise InputError(f"lora_dropout: it is {self.lora_dropout}, and a share from 0 to below 1 is expected")
        if not self.target_modules:
            raise InputError("target_modules: it names no layer; write all-linear, or names of layers such as [q_proj, v_proj]")

    def wrap(self, module: nn.Module, seed: int, base: str | None = "") -> nn.Module:
        """The module with fresh adapters, everything else frozen. ``base``: where its weights lie; None: nowhere, so that they have to be saved with the
        adapters.

        Raises:
            InputError: a layer that is named is not there.
        """
        import torch
        from peft import LoraConfig, get_peft_model

        self._look(module)
        if self.layers_to_transform and isinstance(self.target_modules, str) and self.target_modules != ALL:
            raise InputError(
                "model.lora.layers_to_transform: target_modules is an expression; say the layers in it, or name the modules in a list"
            )
        config = LoraConfig(
            r=self.r,
            lora_alpha=self.lora_alpha,
            target_modules=_listed(self._all(module) if self.layers_to_transform and self.target_modules == ALL else self.target_modules),
            lora_dropout=self.lora_dropout,
            use_rslora=self.use_rslora,
            use_dora=self.use_dora,
            modules_to_save=_listed(self.modules_to_save),
            exclude_modules=_listed(self.exclude_modules),
            layers_to_transform=_listed(self.layers_to_transform),
            task_type="CAUSAL_LM",
        )
        try:
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*(tie_word_embeddings|fan_in_fan_out).*")  # both are seen to
                torch.manual_seed(seed)  # peft draws from the global generator
                adapted = get_peft_model(module, config)
        except (ValueError, TypeError, NotImplementedError) as error:
            raise InputError(f"model.lora: {str(error).splitlines()[0]}") from error
        if base:
            config.base_model_name_or_path = base
        setattr(adapted, NOWHERE, base is None)
        self._refuse_dropout_on_the_head(adapted)
        return in_float32(adapted)

    def _all(self, module: nn.Module) -> list[str]:
        """The last words of the names of all linear layers but the output head, as ``all-linear`` means them."""
        head, kinds = module.get_output_embeddings(), nn.Linear | _conv()
        return sorted({name.rpartition(".")[2] for name, layer in module.named_modules() if isinstance(layer, kinds) and layer is not head})

    def _look(self, module: nn.Module) -> None:
        """Each name means something here: ``peft`` asks only that one of them does.

        Raises:
            InputError: one does not.
        """
        names = [name for name, _ in module.named_modules() if name]
        asked = {name: getattr(self, name) for name in ("target_modules", "modules_to_save", "exclude_modules")}
        for place, given in asked.items():
            for one in (given,) if isinstance(given, str) else given:
                if one and one != ALL and not any(_meets(one, name, place, isinstance(given, str)) for name in names):
                    kinds = nn.Linear | nn.Embedding | _conv()
                    there = sorted({n.rpartition(".")[2] for n, layer in module.named_modules() if isinstance(layer, kinds)})
                    raise InputError(f"model.lora.{place}: no layer is called {one!r}; a {type(module).__name__} has {', '.join(there)}")
        count = max((int(n) + 1 for name in names for n in re.findall(r"\.(\d+)$", f".{name}")), default=0)
        wrong = [n for n in self.layers_to_transform if not 0 <= n < count]
        if wrong:
            raise InputError(f"model.lora.layers_to_transform: there is no layer {wrong[0]}; the model has {count}, 0 to {count - 1}")

    def _refuse_dropout_on_the_head(self, adapted: nn.Module) -> None:
        head = adapted.get_base_model().get_output_embeddings()
        if self.lora_dropout and hasattr(head, "lora_A"):
            raise InputError(
                "model.lora.lora_dropout: the output head has adapters, and it is computed a tile at a time and again for the gradient, where other inputs would "
                "be dropped; leave the head out of target_modules, or set lora_dropout to 0"
            )


def _listed(given: object) -> object:
    """As ``peft`` takes it: a text as it is, several as a list, none as None."""
    return given if isinstance(given, str) and given else list(given) or None


def _meets(given: str, name: str, place: str, expression: bool) -> bool:
    """Whether a layer's whole name meets an expression, or ends with the words that are given."""
    if not expression:
        return f".{name}".endswith(f".{given}")
    try:
        return re.fullmatch(given, name) is not None
    except re.error as error:
        raise InputError(f"model.lora.{place}: {given!r} is no regular expression ({error})") from error


def _conv() -> type[nn.Module]:
    from transformers.pytorch_utils import Conv1D

    return Conv1D
