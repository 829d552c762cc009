"""Contiguous regions of prescribed sizes, grown on an adjacency graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush

from geo.synthetic.plane import Point, squared

Neighbours = Mapping[int, Sequence[int]]

_REGROWTHS = 6


def partition(
    neighbours: Neighbours,
    places: Mapping[int, Point],
    *,
    seeds: Sequence[int],
    targets: Sequence[float],
    smallest: int = 1,
    rounds: int = _REGROWTHS,
) -> dict[int, int]:
    """Region (an index into ``seeds``) of every cell of a connected graph.

    Every region is connected and about as large as its target asks (in cells, relative to the
    others); one that has less than ``smallest`` cells takes from its neighbours what they can
    give without falling apart or below it themselves. Regions are grown again ``rounds`` times,
    each time from the middle of what they were, which makes them compact.
    """
    regions = _grow(neighbours, places, seeds, targets)
    for _ in range(rounds):
        seeds = [_middle(places, members) for members in _members(regions, len(targets))]
        regions = _grow(neighbours, places, seeds, targets)
    _smooth(neighbours, regions, smallest)
    return regions


def spread(neighbours: Neighbours, first: int, count: int) -> list[int]:
    """``count`` cells, ``first`` among them, each as many steps from the others as possible."""
    chosen = [first]
    steps = _steps_from(neighbours, first)
    while len(chosen) < count:
        far = max(steps, key=lambda cell: (steps[cell], -cell))
        chosen.append(far)
        for cell, step in _steps_from(neighbours, far).items():
            steps[cell] = min(steps[cell], step)
    return chosen


def is_connected(neighbours: Neighbours, cells: Iterable[int]) -> bool:
    """Whether one can walk between any two of the cells without leaving them."""
    left = set(cells)
    stack = [left.pop()] if left else []
    while stack:
        for other in neighbours[stack.pop()]:
            if other in left:
                left.remove(other)
                stack.append(other)
    return not left


def _grow(
    neighbours: Neighbours,
    places: Mapping[int, Point],
    seeds: Sequence[int],
    targets: Sequence[float],
) -> dict[int, int]:
    """Let the region that is furthest behind its target take its nearest free neighbour."""
    regions: dict[int, int] = {}
    sizes = [0] * len(seeds)
    fronts: list[list[tuple[float, int]]] = [[(0.0, seed)] for seed in seeds]
    turns = [(-1.0, region) for region in range(len(seeds))]
    while turns:
        _, region = heappop(turns)
        front = fronts[region]
        while front and front[0][1] in regions:
            heappop(front)
        if not front:
            continue
        _, cell = heappop(front)
        regions[cell] = region
        sizes[region] += 1
        for other in neighbours[cell]:
            if other not in regions:
                heappush(front, (squared(places[other], places[seeds[region]]), other))
        heappush(turns, (sizes[region] / targets[region], region))
    return regions


def _smooth(neighbours: Neighbours, regions: dict[int, int], smallest: int) -> None:
    """Hand over cells to the region that most of their neighbours belong to, and to the needy."""
    sizes = [len(members) for members in _members(regions, max(regions.values()) + 1)]
    for _ in range(_REGROWTHS):
        for cell in sorted(regions):
            own = regions[cell]
            wish = _better_region(neighbours, regions, sizes, cell, smallest)
            if wish == own or sizes[own] <= smallest:
                continue
            rest = [other for other, region in regions.items() if region == own and other != cell]
            if is_connected(neighbours, rest):
                regions[cell] = wish
                sizes[own] -= 1
                sizes[wish] += 1


def _better_region(
    neighbours: Neighbours, regions: dict[int, int], sizes: list[int], cell: int, smallest: int
) -> int:
    around = [regions[other] for other in neighbours[cell]]
    own = regions[cell]

    def gain(region: int) -> tuple[bool, int, bool, int]:
        return sizes[region] < smallest, around.count(region), region == own, -region

    return max({own, *around}, key=gain)


def _members(regions: Mapping[int, int], count: int) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in range(count)]
    for cell in sorted(regions):
        members[regions[cell]].append(cell)
    return members


def _middle(places: Mapping[int, Point], members: Sequence[int]) -> int:
    """The member nearest to the mean of all."""
    mean = (
        sum(places[cell][0] for cell in members) / len(members),
        sum(places[cell][1] for cell in members) / len(members),
    )
    return min(members, key=lambda cell: (squared(places[cell], mean), cell))


def _steps_from(neighbours: Neighbours, first: int) -> dict[int, int]:
    steps = {first: 0}
    queue = [first]
    for cell in queue:
        for other in neighbours[cell]:
            if other not in steps:
                steps[other] = steps[cell] + 1
                queue.append(other)
    return steps
