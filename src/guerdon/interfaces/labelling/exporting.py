"""Exporting: the labels that stand → rows in the common columns, and how many were left out for which reason."""

from collections import Counter
from collections.abc import Mapping

from guerdon.data.conversions._converted import Converted, LeftOut
from guerdon.errors import InputError
from guerdon.interfaces.labelling.kinds import Kind, described
from guerdon.interfaces.labelling.ledger import Ledger
from guerdon.interfaces.labelling.reading import Item


def exported(kind: Kind, items: Mapping[str, Item], ledger: Ledger, by_annotator: bool = False, soft: bool = False) -> Converted:
    """Rows, each with the ``row`` of the file that it is of.

    Args:
        by_annotator: a row for each label, with ``annotator`` and, as heads for people read it, ``user`` (an index); else one for each row, by the majority.
        soft: keep how many were of which opinion, where the kind can.

    Raises:
        InputError: the kind has nothing soft, or both are asked for.
    """
    if soft and not kind.soft:
        raise InputError(f"--soft: labels of the kind {described(kind)['kind']} are means already or have no shares; leave it out")
    if soft and by_annotator:
        raise InputError("--soft and --by-annotator: one annotator has no share of opinions; give one of the two")
    users = {annotator: index for index, annotator in enumerate(sorted(ledger.annotators()))}
    rows, left_out = [], Counter()
    for name, item in items.items():
        labels = ledger.labels.get(name, {})
        if not labels:
            left_out["not labelled"] += 1
            continue
        several = [({"annotator": who, "user": users[who]}, [e.answer]) for who, e in sorted(labels.items())]
        for more, answers in several if by_annotator else [({}, [e.answer for e in labels.values()])]:
            try:
                rows.append(kind.merged(answers, item, soft) | more | {"row": int(name)})
            except LeftOut as reason:
                left_out[str(reason)] += 1
    return Converted(rows, dict(left_out))
