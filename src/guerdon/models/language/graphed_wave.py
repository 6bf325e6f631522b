"""A wave: rows that are drawn together by a recorded step (see ``graphed``), from their prompts to their ends.

The host asks for steps without waiting for them. After every ``EVERY`` of them a copy of who is alive is asked for, and read when as many more have been asked for: by then it is
there, and the card has work while the host looks at it. Then what has ended is told, and if what is left fits a smaller bucket, it is moved there.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from guerdon.models.language.graphed_cache import POSITIONS, Bucket, rung, tiles_of
from guerdon.models.language.graphed_step import draw
from guerdon.models.language.sampling import Drawn
from guerdon.models.moving import onto
from guerdon.sequences import Decoding

if TYPE_CHECKING:
    from guerdon.models.language.graphed import Graphed

EVERY = 4  # steps between two looks


class Look:
    """Tensors as they are when this point of the device's work is reached, on the host."""

    def __init__(self, at: int, *tensors: Tensor):
        self.at, self.event = at, None
        if tensors[0].device.type == "cpu":
            self.there = [x.clone() for x in tensors]
            return
        self.there = [torch.empty(x.shape, dtype=x.dtype, pin_memory=True).copy_(x, non_blocking=True) for x in tensors]
        self.event = torch.cuda.Event()
        self.event.record(torch.cuda.current_stream(tensors[0].device))

    def wait(self) -> list[Tensor]:
        if self.event is not None:
            self.event.synchronize()
        return self.there


class Wave:
    """``rows`` of what is drawn; ``longest`` is the length that a sequence may reach."""

    def __init__(self, graphed: "Graphed", drawn: Drawn, rows: Tensor, longest: int):
        self.graphed, self.storage, self.drawn, self.longest = graphed, graphed.storage, drawn, longest
        context = drawn.context[rows]
        self.order = context.argsort(stable=True)  # of columns: rows of one context side by side
        self.rows = rows[self.order]
        self.cells, self.tile, self.column, self.tiles = tiles_of(context[self.order])
        self.place = torch.arange(len(rows))  # the columns of the rows that are left
        self.start = torch.tensor([len(drawn.contexts[i]) for i in drawn.context[self.rows].tolist()])
        self.bucket = self._bucket(int(self.start.max()))

    def begin(self, uniforms: Tensor, ends: Tensor) -> Tensor:
        """Logits [R, V] of the first tokens. ``uniforms`` [B, T] in the order of columns."""
        self.ends = ends
        self.storage.begin(uniforms, ends)
        self.storage.alive.fill_(True)
        self._put()
        used, which = torch.unique(self.tiles, return_inverse=True)
        logits = self.graphed.read([self.drawn.contexts[i] for i in used.tolist()], self.bucket, which, self.longest)
        by_row = torch.zeros(self.bucket.rows, dtype=torch.long)
        by_row[: len(self.tile)] = which[self.tile]
        return logits[onto(self.graphed.device, by_row)[0]]

    def draw(self, decoding: Decoding, uniforms: Tensor, ends: Tensor) -> None:
        """All tokens of all rows. ``uniforms`` [B, T] in the order in which the rows were given."""
        last = decoding.max_completion_length - 1
        logits = self.begin(uniforms[self.order], ends)
        view = self.storage.view(self.bucket)
        self.graphed.recorder.once(lambda: draw(view, logits, decoding))
        at, look, copied, taken = 0, None, 0, self.storage.taken.new_zeros(last + 1, len(self.rows), device="cpu")
        while at < last:
            if look is not None and at - look.at >= EVERY:
                alive, *some = look.wait()
                for tokens in some:
                    taken[copied : look.at + 1], copied = tokens[:, : len(self.rows)], look.at + 1
                if not self._go_on(alive[: len(self.place)], at, taken):
                    break
                look = None
            if look is None:
                news = [self.storage.taken[copied : at + 1]] if self.drawn.finished is not None else []
                look = Look(at, self.storage.alive[: self.bucket.rows], *news)
            self.graphed.step(replace(self.bucket, own=self._own(at + 1)), decoding)
            at += 1
        self._finish(last + 1)

    def _go_on(self, alive: Tensor, at: int, taken: Tensor) -> bool:
        """Tell of those that have ended, and go on with the others, if there are any."""
        ended = self.place[~alive]
        new = ended[~self.drawn.told[self.rows[ended]]]
        if self.drawn.finished is not None and len(new):
            self._write(new, taken[:, new].t())
            self.drawn.tell(self.rows[new])
        left = alive.nonzero().squeeze(-1)
        if len(left) and rung(len(left), 1) < self.bucket.rows:
            self._compact(left, at)
        return len(left) > 0

    def _compact(self, left: Tensor, at: int) -> None:
        tiles, tile = torch.unique(self.tile[left], return_inverse=True)
        place, start, column = self.place[left], self.start[left], self.column[left]
        small = Bucket.of(len(left), len(tiles), self.cells, int(start.max()), 1)
        if small.rows >= self.bucket.rows:
            return
        self.bucket = replace(small, trunk=self.bucket.trunk)
        self.place, self.start, self.tile, self.column = place, start, tile, column
        self.storage.keep(self.bucket, left, tiles, at)
        self._put()

    def _put(self) -> None:
        self.storage.put(self.bucket, self.place, self.start, self.tile, self.column)

    def _bucket(self, trunk: int) -> Bucket:
        return Bucket.of(len(self.rows), len(self.tiles), self.cells, trunk, 1)

    def _own(self, positions: int) -> int:
        return min(rung(positions, POSITIONS), self.storage.size.own)

    def _finish(self, steps: int) -> None:
        """Everything that was drawn, as the card has it."""
        n = len(self.rows)
        self._write(torch.arange(n), self.storage.taken[:steps, :n].cpu().t())
        self.drawn.logp[self.rows] = self.storage.logp[:steps, :n].cpu().t()
        self.drawn.tell(self.rows)

    def _write(self, columns: Tensor, tokens: Tensor) -> None:
        """Tokens [n, T] of these, and where they end."""
        end = torch.isin(tokens, self.ends.cpu())
        rows, ended = self.rows[columns], end.any(-1)
        self.drawn.tokens[rows], self.drawn.ended[rows] = tokens, ended
        self.drawn.length[rows] = torch.where(ended, end.int().argmax(-1) + 1, tokens.shape[1])
