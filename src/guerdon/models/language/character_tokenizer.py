"""A tokenizer whose tokens are single characters, and words that are given, in the ecosystem's format.

Ids: 0 padding, 1 start, 2 end, with ``chat`` also 3, 4, 5 for the heads of system, user and assistant turns, then the characters
in the order given, then the words. The start token is put before every text, as Llama's tokenizer does; a character that was not
listed is an error and not a silent hole. Where a word stands in a text it is read as one token, the longest that begins there.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from guerdon.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, BOS, EOS = "<pad>", "<s>", "</s>"
ROLES = ("<system>", "<user>", "<assistant>")
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<' + message['role'] + '>' + message['content'] + eos_token }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)


def build(characters: str, chat: bool = False, words: Sequence[str] = ()) -> "PreTrainedTokenizerFast":
    """A tokenizer over ``characters``; its ``save_pretrained`` folder loads with ``AutoTokenizer.from_pretrained``.

    Args:
        characters: the characters that it can write, each once.
        chat: add a chat template whose turns begin with one token for the role and end with the end token.
        words: of two characters or more, each a token of its own.

    Raises:
        InputError: a character or a word is given twice, or a word is no longer than a character.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    twice = sorted({c for c in characters if characters.count(c) > 1})
    if twice or not characters:
        raise InputError(f"a character tokenizer needs distinct characters, and {''.join(twice)!r} occur more than once")
    if wrong := [word for word in words if len(word) < 2 or list(words).count(word) > 1]:
        raise InputError(f"words are of two characters or more and given once each, and {wrong[0]!r} is not")
    special = [PAD, BOS, EOS, *(ROLES if chat else ())]
    core = Tokenizer(models.WordLevel({token: i for i, token in enumerate([*special, *characters, *words])}))
    longest_first = [re.escape(word) for word in sorted(words, key=len, reverse=True)]
    core.pre_tokenizer = pre_tokenizers.Split(Regex("|".join([*longest_first, r"[\s\S]"])), behavior="isolated")
    core.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, 1)])
    core.decoder = decoders.Fuse()
    core.add_special_tokens(special)
    extra = {"chat_template": CHAT_TEMPLATE, "additional_special_tokens": list(ROLES)} if chat else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, bos_token=BOS, eos_token=EOS, clean_up_tokenization_spaces=False, **extra
    )
