"""A page for every room with its parts, the quantities, and the map of limits."""

import dataclasses
import inspect
import re
from collections import Counter

from guerdon.catalogue import Entry, catalogue, rooms
from guerdon.interfaces.pages._markdown import cell, code, first_line, joined, prose, short, table
from guerdon.parts import describe, is_part, needs, wants
from guerdon.quantities import GLOSSARY
from guerdon.witness import Limit, Witness


def part_pages() -> dict[str, str]:
    """The overview, the glossary, the map of limits, and a page for every room."""
    pages = {"parts/index.md": _overview(), "parts/quantities.md": _quantities(), "parts/limits.md": _limits()}
    for room in rooms():
        pages[f"parts/{room}.md"] = _room(room)
    return pages


def link(part: object, page: str = "") -> str:
    """A link to where a part is documented, from another page of parts."""
    for entry in catalogue():
        if entry.part is type(part):
            text = describe(part).replace("[", "\\[").replace("<", "&lt;")
            return f"[{cell(text)}]({'' if entry.room == page else f'{entry.room}.md'}#{entry.name})"
    return code(describe(part))


def _overview() -> str:
    counts = Counter(entry.room for entry in catalogue())
    rows = [(f"[{room}]({room}.md)", counts[room], first_line(module.__doc__ or "")) for room, module in rooms().items()]
    return joined(
        "# Parts",
        f"{len(catalogue())} parts in {len(counts)} rooms. A room is a folder under `src/guerdon/` whose files all have one call signature; a part "
        "is a file in it. This page and those below it are written by walking the package.",
        table(("room", "parts", "what goes in → what comes out"), rows),
        "What the names of arguments mean is in [quantities](quantities.md); where one part becomes another is in [limits](limits.md).",
    )


def _quantities() -> str:
    rows = [(code(q.name), code(q.shape), cell(q.meaning), cell(q.unit), cell(q.cost)) for q in GLOSSARY.values()]
    import guerdon.quantities as module

    return joined("# Quantities", prose(module.__doc__ or ""), table(("name", "shape", "meaning", "unit", "cost"), rows))


def _limits() -> str:
    blocks = []
    for room in rooms():
        edges = [limit for entry in catalogue() if entry.room == room for limit in entry.limits]
        if edges:
            blocks.append(f"## {room}")
            blocks.append(table(("part", "equals", "when"), (_edge(limit) for limit in edges)))
    return joined(
        "# Limits",
        "The map of the field: where one method becomes another. Each line is an equality that the test suite checks, in value and gradient, on "
        "random inputs that meet the condition.",
        *blocks,
    )


def _edge(limit: Limit, page: str = "") -> tuple[str, str, str]:
    factor = "" if limit.factor == 1 else f"{limit.factor:g} × "
    return link(limit.part, page), factor + link(limit.equals, page), cell(limit.when)


def _room(room: str) -> str:
    entries = [entry for entry in catalogue() if entry.room == room]
    listed = [(f"[{entry.part.__name__}](#{entry.name})", code(entry.name), cell(entry.summary)) for entry in entries]
    return joined(
        f"# {room}",
        prose(rooms()[room].__doc__ or ""),
        _protocol(room),
        table(("part", "name", "idea"), listed),
        *(_part(entry) for entry in entries),
    )


def _protocol(room: str) -> str:
    """The room's signature, as its package states it."""
    module = rooms()[room]
    found = [
        v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__ and getattr(v, "_is_protocol", False)
    ]
    sources = [inspect.getsource(protocol).rstrip() for protocol in found]
    return "```python\n" + "\n\n".join(sources) + "\n```" if sources else ""


def _part(entry: Entry) -> str:
    summary, _, rest = entry.doc.strip().partition("\n")
    return joined(
        f"## {entry.part.__name__} {{ #{entry.name} }}",
        f"*{cell(summary)}*",
        prose(rest) if rest.strip() else "",
        _signature(entry),
        _fields(entry),
        *(_witness(witness, entry.room) for witness in entry.witnesses),
        _own_limits(entry),
        f"Defined in `src/guerdon/{entry.path.replace('.', '/')}.py`" + (f"; tags: {', '.join(entry.tags)}" if entry.tags else "") + ".",
    ).rstrip()


def _signature(entry: Entry) -> str:
    if "__call__" not in vars(entry.part):
        return ""
    text = str(inspect.signature(entry.part.__call__)).replace("(self, ", "(").replace("(self)", "()")
    text = re.sub(r"jaxtyping\.(\w+)\[Tensor, '([^']*)'\]", r"\1[\2]", text.replace("guerdon.", "").replace("torch.", ""))
    lines = f"```python\n{entry.part.__name__}(...){text}\n```"
    asked = _asked(entry)
    return f"{lines}\n\n{asked}" if asked else lines


def _asked(entry: Entry) -> str:
    if not entry.room.startswith(("credit", "losses")) or not entry.witnesses:
        return ""
    part = entry.witnesses[0].part
    said = f"Needs {', '.join(code(n) for n in sorted(needs(part)))}"
    extra = sorted(wants(part))
    return f"{said}{'; uses where there is one: ' + ', '.join(map(code, extra)) if extra else ''}."


def _fields(entry: Entry) -> str:
    rows = []
    for field in dataclasses.fields(entry.part):
        kind = field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
        rows.append((code(field.name), code(kind.replace("guerdon.", "")), code(_default(field))))
    own = entry.part.__doc__ or ""
    described = "" if own.startswith(f"{entry.part.__name__}(") else prose(own)
    return joined(table(("field", "type", "default"), rows), described).rstrip()


def _default(field: dataclasses.Field) -> str:
    if field.default is not dataclasses.MISSING:
        return describe(field.default) if is_part(field.default) else short(field.default)
    return "required" if field.default_factory is dataclasses.MISSING else f"{field.default_factory()!r}"


def _witness(witness: Witness, room: str) -> str:
    rows = [(code(name), code(short(value))) for name, value in witness.given.items()]
    rows.append(("**returns**", code(short(witness.returns))))
    for name, value in witness.gradient.items():
        rows.append((f"gradient of {code(name)}", "none may reach it" if value is None else code(short(value))))
    against = f", which {link(witness.parent, room)} fails" if witness.parent is not None else ""
    return joined(f"Witness of `{cell(describe(witness.part))}`{against}:", table(("input", "value"), rows)).rstrip()


def _own_limits(entry: Entry) -> str:
    edges = [_edge(limit, entry.room) for limit in entry.limits]
    return "\n".join(f"- {part} equals {other} when {when}." for part, other, when in edges)
