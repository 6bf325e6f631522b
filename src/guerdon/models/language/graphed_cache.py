"""The storage of a recorded step (see ``graphed``): keys and values of contexts and of what follows them, what is drawn, and where every row is. All of it stays where it is;
a smaller size works on the first rows of the same storage.

    tiles                            rows
    tile 0  context 0, G cells  <--  row 0, row 1, ...                 each row is in one cell of one tile, and has keys and values of its own
    tile 1  context 0 again          ...
    tile 2  context 1                padding, whose cells nobody reads

A *tile* is a context with room for G rows that answer it: its keys and values are read once for all of them. A context that more rows answer has several tiles.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from guerdon.models.moving import onto

ROWS = 8  # sizes of batches are rungs of this
POSITIONS = 64  # sizes of caches are rungs of this, in positions


def rung(n: int, unit: int) -> int:
    """The least of unit * (1, 2, 3, 4, 6, 8, 12, 16 ...) that is not below n: few sizes, none more than half as large again as it has to be, from the second on."""
    size = unit
    while size < n:
        if size > unit and size * 3 // 2 >= n:
            return size * 3 // 2
        size *= 2
    return size


@dataclass(frozen=True)
class Bucket:
    """A size that a step is recorded for.

    Attributes:
        rows, tiles: that are computed with, some of them padding.
        cells: of a tile.
        trunk: positions of contexts that are attended to.
        own: positions of what follows them that are attended to.
    """

    rows: int
    tiles: int
    cells: int
    trunk: int
    own: int

    @classmethod
    def of(cls, rows: int, tiles: int, cells: int, trunk: int, own: int) -> "Bucket":
        """The least that holds so much."""
        return cls(rung(rows, ROWS), rung(tiles, 1), cells, rung(trunk, POSITIONS), rung(own, POSITIONS))

    def holds(self, other: "Bucket") -> bool:
        """Whether storage of this size is enough for that one."""
        return all(getattr(self, f.name) >= getattr(other, f.name) for f in fields(self))

    def joined(self, other: "Bucket") -> "Bucket":
        """The least that holds both."""
        return Bucket(*(max(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))


@dataclass(frozen=True)
class View:
    """The storage as a bucket's step sees it.

    Attributes:
        trunk, own: of each layer, keys and values [N, K, L, D] and [R, K, C, D].
        tokens, alive, place, start: [R], what was drawn last, whether that ended nothing so far, the column in which it is written down, and the length of the context.
        cell: [R * K], where a row's key head is in N * K * G; grid: [N * K * G], the other way round.
        at: [1], how many tokens follow the contexts in the caches; the next one drawn is written down there.
        uniforms, taken, logp: [T, W], by column.
        angles: [.., 2, D], cosine and sine of positions.
    """

    bucket: Bucket
    trunk: list[tuple[Tensor, Tensor]]
    own: list[tuple[Tensor, Tensor]]
    tokens: Tensor
    alive: Tensor
    place: Tensor
    start: Tensor
    cell: Tensor
    grid: Tensor
    at: Tensor
    uniforms: Tensor
    taken: Tensor
    logp: Tensor
    angles: Tensor
    ends: Tensor


@dataclass(frozen=True)
class Shapes:
    """Of a model: what its caches are made of."""

    layers: int
    key_heads: int
    width: int
    dtype: torch.dtype
    device: torch.device

    def bytes(self, size: Bucket) -> int:
        """That the caches of this size take."""
        number = torch.empty(0, dtype=self.dtype).element_size()
        return 2 * self.layers * self.key_heads * self.width * number * (size.rows * size.own + size.tiles * size.trunk)


class Storage:
    """For up to ``size``, whose ``own`` is the number of tokens that may be drawn. Columns of what is written down: one for each row, and one more each, for padding."""

    def __init__(self, shapes: Shapes, size: Bucket, angles: Tensor, ends: int):
        self.shapes, self.size, device = shapes, size, shapes.device

        def zeros(*shape: int, dtype: torch.dtype = torch.long) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        self.trunk, self.own = (
            [tuple(zeros(rows, shapes.key_heads, room, shapes.width, dtype=shapes.dtype) for _ in range(2)) for _ in range(shapes.layers)]
            for rows, room in ((size.tiles, size.trunk), (size.rows, size.own))
        )
        self.tokens, self.place, self.start, self.at = zeros(size.rows), zeros(size.rows), zeros(size.rows), zeros(1)
        self.alive = zeros(size.rows, dtype=torch.bool)
        self.cell, self.grid = zeros(size.rows * shapes.key_heads), zeros(size.tiles * size.cells * shapes.key_heads)
        columns = 2 * size.rows
        self.uniforms, self.logp = (zeros(size.own, columns, dtype=torch.float32) for _ in range(2))
        self.taken, self.angles, self.ends = zeros(size.own, columns), angles, zeros(ends)

    def begin(self, uniforms: Tensor, ends: Tensor) -> None:
        """Nothing is drawn yet. What an earlier batch left behind is attended to with a weight of 0, which must be 0 times a number. ``uniforms`` [B, T]."""
        for x in (x for both in self.own for x in both):
            x.zero_()
        for x in (self.uniforms, self.taken, self.logp, self.at):
            x.zero_()
        rows, steps = uniforms.shape
        numbers, ends = onto(self.shapes.device, uniforms.t().float().contiguous(), ends)
        self.uniforms[:steps, :rows] = numbers
        self.ends.copy_(ends)

    def keep(self, bucket: Bucket, rows: Tensor, tiles: Tensor, known: int) -> None:
        """These rows and tiles come first from now on; ``known`` positions follow their contexts. Within the storage, so that rows are moved upwards only."""
        there = torch.equal(tiles, torch.arange(len(tiles)))
        rows, tiles = onto(self.shapes.device, _filled(rows, bucket.rows), _filled(tiles, bucket.tiles))
        for both in self.own:
            for x in both:
                x[: bucket.rows, :, :known] = x[rows, :, :known]
        for both in () if there else self.trunk:
            for x in both:
                x[: bucket.tiles, :, : bucket.trunk] = x[tiles, :, : bucket.trunk]
        for x in (self.tokens, self.alive):
            x[: bucket.rows] = x[rows]

    def put(self, bucket: Bucket, place: Tensor, start: Tensor, tile: Tensor, column: Tensor) -> None:
        """Where the first rows are: the columns in which is written down what they draw, the lengths of their contexts, and their tiles and cells in them."""
        n, heads = len(place), torch.arange(self.shapes.key_heads)
        dumps = self.size.rows + torch.arange(bucket.rows)
        row, tile, column = torch.arange(bucket.rows), _filled(tile, bucket.rows), _filled(column, bucket.rows)
        cell = (tile.unsqueeze(-1) * len(heads) + heads) * bucket.cells + column.unsqueeze(-1)  # [R, K]
        grid = torch.zeros(bucket.tiles * len(heads) * bucket.cells, dtype=torch.long)
        grid[cell[:n]] = row[:n].unsqueeze(-1) * len(heads) + heads
        dumps[:n] = place
        place, start, cell, grid = onto(self.shapes.device, dumps, _filled(start, bucket.rows), cell.flatten(), grid)
        self.place[: bucket.rows], self.start[: bucket.rows] = place, start
        self.cell[: len(cell)], self.grid[: len(grid)] = cell, grid
        self.alive[n : bucket.rows] = False

    def view(self, bucket: Bucket) -> View:
        """The part of it that a step of this size works on."""
        r, n, heads = bucket.rows, bucket.tiles, self.shapes.key_heads

        def part(of: list[tuple[Tensor, Tensor]], rows: int, room: int) -> list[Any]:
            return [tuple(x[:rows, :, :room] for x in both) for both in of]

        by_row = (x[:r] for x in (self.tokens, self.alive, self.place, self.start))
        maps = self.cell[: r * heads], self.grid[: n * heads * bucket.cells]
        written = self.at, self.uniforms, self.taken, self.logp, self.angles, self.ends
        return View(bucket, part(self.trunk, n, bucket.trunk), part(self.own, r, bucket.own), *by_row, *maps, *written)


def _filled(x: Tensor, n: int) -> Tensor:
    """With zeros behind."""
    return torch.cat([x, x.new_zeros(n - len(x))])


def tiles_of(context: Tensor) -> tuple[int, Tensor, Tensor, Tensor]:
    """For rows of these contexts [B]: G, a row's tile and cell in it [B], and the contexts of the tiles [N]. G is the least power of two that holds the mean number of rows of
    a context, so that there are no more than twice as many tiles as contexts."""
    used, where, count = torch.unique(context, return_inverse=True, return_counts=True)
    cells = 1 << max(-(-len(context) // len(used)) - 1, 0).bit_length()
    tiles = -(-count // cells)
    before = tiles.cumsum(0) - tiles
    order = where.argsort(stable=True)
    number = torch.empty_like(where)  # of a row among those of its context
    number[order] = torch.arange(len(where)) - (count.cumsum(0) - count)[where[order]]
    return cells, before[where] + number // cells, number % cells, used.repeat_interleave(tiles)
