"""``guerdon sample``: what is typed reaches the model as a row with the same would."""

from pathlib import Path

import pytest

from guerdon.interfaces.cli import main
from guerdon.models.language.policy import LanguagePolicy
from tiny_models import CHATML, folder, tokenizer

# what a prompt on the command line tells the template

THINKS = "{% if enable_thinking is defined and not enable_thinking %}{{ 'no ' * times|default(1) }}{% endif %}" + CHATML


@pytest.fixture(scope="module")
def thinking(tmp_path_factory) -> Path:
    path = folder(tmp_path_factory.mktemp("thinking"))
    words = tokenizer("pad")
    words.chat_template = THINKS
    words.save_pretrained(path)
    return path


@pytest.fixture
def prompts(thinking, monkeypatch, capsys):
    """The text of the prompt that a sample is drawn after, or what is said instead."""
    seen: list[str] = []
    sample = LanguagePolicy.sample

    def watched(self, contexts, *more):
        seen.append(self.tokenizer.decode(contexts[0]))
        return sample(self, contexts, *more)

    monkeypatch.setattr(LanguagePolicy, "sample", watched)

    def run(*arguments: str) -> str:
        seen.clear()
        code = main(["sample", str(thinking), "--prompt", "it", "--max-completion-length", "2", "--json", *arguments])
        said = capsys.readouterr()
        return seen[0] if code == 0 else f"{code}: {' '.join(said.err.split())}"

    return run


def test_a_prompt_tells_the_template_what_a_row_would(prompts):
    plain = prompts("--chat")
    assert "no " not in plain and plain.startswith("<|im_start|>user")
    told = prompts("--chat", "--chat-template-kwargs", "enable_thinking=false")
    assert told == f"no {plain}"
    assert prompts("--chat-template-kwargs", '{"enable_thinking": false, "times": 2}') == f"no no {plain}"
    assert prompts("--chat-template-kwargs", "enable_thinking=false", "--chat-template-kwargs", "times=3") == f"no no no {plain}"
    assert prompts("--chat-template-kwargs", "enable_thinking=true") == plain


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["enable_thinking=false", "--plain"], "the prompt is plain text, which no chat template writes; add --chat"),
        (["enable_thinkin=false"], "the chat template does the same whatever 'enable_thinkin' is; check its name"),
        (["enable_thinking"], "neither NAME=VALUE"),
        (["tokenize=true"], "--chat-template-kwargs sets 'tokenize', which the library sets itself; take it out"),
        (["{enable_thinking"], "--chat-template-kwargs"),
    ],
)
def test_what_the_template_cannot_be_told_is_refused(prompts, arguments, said):
    found = prompts("--chat-template-kwargs", *arguments)
    assert found.startswith("2: ") and said in found
