"""Tagged: a text between tags, or in a block of code, is a call of the tool of that name; for models whose template knows no tools, base models among them.

    <search>tides of the Atlantic</search>              search(query="tides of the Atlantic")          ``tags``: the tag, and the argument that gets the text

    ```python
    print(2 ** 10)                                      python(code="print(2 ** 10)")                  ``blocks``: the language, and the argument
    ```

The text is taken without the white space around it. A tag that is not closed, where the turn ends, is told so: nobody knows whether the text was whole. Results are told
between the tags ``result``, or, of a block, in a block of ``output``, one after another.

Source: tags as in Search-R1, arXiv 2503.09516, table 1 (whose results stand in ``information``), and ReSearch, arXiv 2503.19470 (``result``); blocks and ``output`` as in
ToRA, arXiv 2309.17452.
Differs from Hermes: one text and no names of arguments.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guerdon.errors import InputError
from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._scanning import scanned
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.messages import Message
from guerdon.witness import Witness

_NAME = re.compile(r"[^\W\d][\w.-]*")


@dataclass(frozen=True)
class Tagged:
    tags: Mapping[str, str] = field(default_factory=lambda: {"search": "query"})
    blocks: Mapping[str, str] = field(default_factory=lambda: {"python": "code"})
    result: str = "result"
    output: str = "output"

    def __post_init__(self) -> None:
        wrong = [name for name in (*self.tags, *self.blocks, self.result, self.output) if not _NAME.fullmatch(name)]
        if wrong:
            raise InputError(f"{wrong[0]!r} is no name of a tag or a block; write letters, digits, points and hyphens")
        if both := sorted({*self.tags} & {*self.blocks}):
            raise InputError(f"calls of the tool {both[0]!r} are written as a tag or as a block, not as both")

    def read(self, text: str, opened: bool = False) -> Found:
        names = [f"<(?P<tag>{'|'.join(map(re.escape, self.tags))})>"] if self.tags else []
        names += [rf"^[ \t]*(?P<mark>`{{3,}})(?P<block>{'|'.join(map(re.escape, self.blocks))})[ \t]*$"] if self.blocks else []
        return scanned(text, opened, "|".join(names) or "(?!)", self._taken)

    __call__ = read

    def write(self, calls: Sequence[Call]) -> str:
        return "\n".join(map(self._written, calls))

    def told(self, results: Sequence[Message]) -> str:
        return "".join(self._result(str(result.get("name", "")), str(result["content"] or "")) for result in results)

    def _taken(self, text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
        found = opening.groupdict()
        if tag := found.get("tag"):
            name, argument, close = tag, self.tags[tag], re.compile(f"</{re.escape(tag)}>")
        else:
            name, argument = found["block"], self.blocks[found["block"]]
            close = re.compile(rf"^[ \t]*`{{{len(found['mark'])},}}[ \t]*$", re.MULTILINE)
        closing = close.search(text, opening.end())
        if closing is None:
            how = f"</{name}>" if tag else found["mark"]
            return [Call(name, error=f"the call is not closed; write {how} behind it", start=opening.start(), end=len(text))], len(text)
        return [Call(name, {argument: text[opening.end() : closing.start()].strip()}, "", opening.start(), closing.end())], closing.end()

    def _written(self, call: Call) -> str:
        argument = self.tags.get(call.name, self.blocks.get(call.name))
        if argument is None or set(call.arguments) != {argument} or not isinstance(call.arguments[argument], str):
            wanted = f"with the one text {argument}" if argument else f"but of {', '.join([*self.tags, *self.blocks])}"
            raise InputError(f"a tagged call is none of {call.name!r} with {', '.join(call.arguments) or 'nothing'}, {wanted}")
        value = call.arguments[argument]
        if call.name in self.blocks:
            mark = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", value)), 3)
            return f"{mark}{call.name}\n{value}\n{mark}"
        if f"</{call.name}>" in value:
            raise InputError(f"the text of a tagged call holds </{call.name}>, which ends it; use another format of calls")
        return f"<{call.name}>{value}</{call.name}>"

    def _result(self, name: str, content: str) -> str:
        if name in self.blocks:
            mark = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", content)), 3)
            return f"\n{mark}{self.output}\n{content}\n{mark}\n"
        return f"\n<{self.result}>{content}</{self.result}>\n"


witness = (
    Witness(
        Tagged(),
        parent=Hermes(),
        given={"text": "<think>a <search>no</search></think>\n<search> tides </search>\n```python\n1 + 1\n```"},
        returns=Found(
            "<think>a <search>no</search></think>",
            (Call("search", {"query": "tides"}, start=37, end=61), Call("python", {"code": "1 + 1"}, start=62, end=81)),
        ),
    ),
    Witness(Tagged(blocks={}), parent=Tagged(), given={"text": "```python\n1 + 1\n```"}, returns=Found("```python\n1 + 1\n```")),
    Witness(
        Tagged({"ask": "question"}),
        parent=Tagged(),
        given={"text": "<ask>why</ask>"},
        returns=Found("", (Call("ask", {"question": "why"}, start=0, end=14),)),
    ),
)
