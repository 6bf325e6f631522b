"""Forgiving: a dataset that leaves out the rows that cannot be read as it says (``encoding.wrong=drop``), and remembers why."""

import dataclasses

from guerdon.errors import InputError
from guerdon.tasks.dataset import Dataset
from guerdon.tasks.rows import PlacedRows, lacking


class Forgiving(Dataset):
    """What ``Dataset`` is, without the rows that it would refuse.

    Attributes:
        stands_for: the dataset itself.
        wrong: of every place that was read, by its sources: the rows as they stood there, and why some are left out, by their indices.
    """

    def __init__(self, task: Dataset):
        super().__init__(**{field.name: getattr(task, field.name) for field in dataclasses.fields(task)})
        object.__setattr__(self, "stands_for", task)
        object.__setattr__(self, "wrong", {})

    def _made(self, raw: PlacedRows) -> PlacedRows:
        made, sound, wrong = [], [], {}
        for index, row in enumerate(raw):
            try:
                out = self._row(row, row if self.convert is not None else self._renamed(row))
                if said := lacking(out, self._read):
                    raise InputError(f"it {said}")
            except InputError as error:
                wrong[index] = str(error)
            else:
                made.append(out)
                sound.append(index)
        if not sound:
            raise InputError(f"encoding.wrong: nothing can be learned from any of the {len(raw)} rows; of the first: {wrong[0]}")
        self.wrong[tuple(raw.sources)] = raw, wrong
        return raw.select(sound).replaced(made)
