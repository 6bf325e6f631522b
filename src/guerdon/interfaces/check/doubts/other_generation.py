"""What others generate from the model is not what it says by itself: its generation configuration changes which tokens it may say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared

# What changes a text that is written greedily, and the values at which it does not.
NEUTRAL = {
    "repetition_penalty": (1.0,),
    "no_repeat_ngram_size": (0,),
    "suppress_tokens": ([],),
    "begin_suppress_tokens": ([],),
    "bad_words_ids": ([],),
    "sequence_bias": ({},),
    "forced_bos_token_id": (),
    "forced_eos_token_id": (),
    "exponential_decay_length_penalty": (),
    "min_length": (0,),
    "min_new_tokens": (0,),
    "num_beams": (1,),
    "guidance_scale": (1.0,),
}


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    own = getattr(getattr(prepared.model, "module", None), "generation_config", None)
    found = {name: getattr(own, name, None) for name, neutral in NEUTRAL.items() if getattr(own, name, None) not in (None, *neutral)}
    if found:
        said = ", ".join(f"{name}={value}" for name, value in found.items())
        yield Doubt(
            f"the model's generation_config.json has {said}, which transformers and servers apply and no policy here samples with: the saved model keeps it, so "
            "what they write is not what was trained; take it out of the file if that is not meant"
        )
