#!/usr/bin/python3
"""make_rows.py - random outputs and what numpy, or their definitions, say of them, for the tests of tests/unit/compare

usage: tests/data/outputs/make_rows.py KIND >tests/data/outputs/KIND.txt

A row begins with what the output is made from again, in the test: a seed and parameters. Numbers come from splitmix64,
and all that is done with them gives the same floats there.

cosine: seed, how many numbers, by which power of two the noise is smaller, eighths of the scale; then the cosine and the
  ratio of the lengths.
rank: seed, how many items, k, steps of the scores, hundredths of noise; then overlap, whether the first is the same, tau-b
  (nan: none) and NDCG. Tau-b is counted pair by pair, as its definition has it.
regression: seed, how many numbers, power of two of the scale, by which power the noise is smaller; then bias, mean and root
  of squares of the differences, their median and 99 % size, and how many are outside of 1e-5 and 1e-8.
boxes: seed, how many boxes, percent of noise, hundredths of IoU that are asked for; then boxes of production and of the shadow
  that are sure enough (0.3), how many match, how many but for their class, and the sum of IoUs. Matched by a matrix.
"""
import sys

import numpy

ROWS = 1000
MASK = (1 << 64) - 1


class Random:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        return z ^ z >> 31

    def number(self):
        """From -1 on, below 1."""
        return ((self.next() >> 40) - (1 << 23)) / (1 << 23)

    def choice(self, values):
        return values[self.next() % len(values)]


def vectors(seed, count, power, eighths):
    r = Random(seed)
    pairs = [(r.number(), r.number()) for _ in range(count)]
    production = numpy.array([a for a, _ in pairs], dtype=numpy.float32)
    shadow = numpy.array([(a + b / (1 << power)) * (eighths / 8) for a, b in pairs], dtype=numpy.float64)
    return production, shadow.astype(numpy.float32)


def cosine():
    choose = Random(15)
    for seed in range(1, ROWS + 1):
        count, power, eighths = 1 + choose.next() % 384, choose.next() % 16, 1 + choose.next() % 24
        if choose.next() % 16 == 0:
            count = 1536
        p, s = (v.astype(numpy.float64) for v in vectors(seed, count, power, eighths))
        lengths = numpy.linalg.norm(p), numpy.linalg.norm(s)
        print(seed, count, power, eighths, repr(float(numpy.dot(p, s) / (lengths[0] * lengths[1]))),
              repr(float(lengths[1] / lengths[0])))


def rankings(seed, count, steps, noise):
    """Lists of (key, score); the shadow's is written the other way round, and now and then has another item."""
    r = Random(seed)
    production, shadow = [], []
    for i in range(count):
        score = (r.next() % steps) / steps
        other = (score + noise / 100 * r.number()) * 64
        production.append((i, score))
        shadow.append((i + 1000 if r.next() % 20 == 0 else i, float(numpy.floor(other + 0.5)) / 64))
    return production, shadow[::-1]


def order(items):
    return [key for key, _ in sorted(items, key=lambda item: -item[1])]


def tau_b(x, y):
    x, y = numpy.array(x, dtype=float), numpy.array(y, dtype=float)
    above = numpy.triu_indices(len(x), 1)
    dx, dy = numpy.sign(x[:, None] - x[None, :])[above], numpy.sign(y[:, None] - y[None, :])[above]
    below = numpy.sqrt(numpy.count_nonzero(dx)) * numpy.sqrt(numpy.count_nonzero(dy))
    return float(numpy.sum(dx * dy) / below) if below else float("nan")


def ndcg(production, shadow):
    gain = {key: 1 / numpy.log2(2 + place) for place, key in enumerate(production)}
    discount = [1 / numpy.log2(2 + place) for place in range(10)]
    best = sum(gain[key] * d for key, d in zip(production, discount))
    return float(sum(gain.get(key, 0) * d for key, d in zip(shadow, discount)) / best)


def rank():
    choose = Random(16)
    for seed in range(1, ROWS + 1):
        count, k = choose.choice((1, 2, 3, 5, 10, 20, 60)), choose.choice((1, 3, 5, 10))
        steps, noise = choose.choice((3, 20, 1 << 20)), choose.choice((0, 1, 20, 200))
        production, shadow = rankings(seed, count, steps, noise)
        p, s = order(production), order(shadow)
        first, second = dict(production), dict(shadow)
        both = [key for key in p if key in second]
        print(seed, count, k, steps, noise, repr(len(set(p[:k]) & set(s[:k])) / min(k, count)), int(p[0] == s[0]),
              repr(tau_b([first[key] for key in both], [second[key] for key in both])), repr(ndcg(p, s)))


def regression():
    choose = Random(17)
    for seed in range(1, ROWS + 1):
        count, scale, power = 1 + choose.next() % 100, choose.next() % 60 - 30, choose.next() % 24
        r = Random(seed)
        pairs = [(r.number() * 2.0**scale, r.number() * 2.0**(scale - power)) for _ in range(count)]
        p = numpy.array([a for a, _ in pairs])
        d = numpy.array([a + b for a, b in pairs]) - p
        sizes = numpy.sort(numpy.abs(d))
        figures = numpy.mean(d), numpy.mean(sizes), numpy.sqrt(numpy.mean(d * d)), sizes[count // 2], sizes[int(0.99 * count)]
        print(seed, count, scale, power, *(f"{figure:.9g}" for figure in figures),
              numpy.count_nonzero(numpy.abs(d) > 1e-8 + 1e-5 * numpy.abs(p)))


def detections(seed, count, noise):
    """Rows of four corners, score and class on a grid of 1/256; the shadow's are moved, and some are lost, new or of another class."""
    r = Random(seed)
    production, shadow = [], []
    for _ in range(count):
        x, y, w, h = (r.next() % 256 for _ in range(4))
        score, kind = (r.next() % 101) / 100, r.next() % 3
        production.append((x / 256, y / 256, (x + w) / 256, (y + h) / 256, score, kind))
        moved = [v + (r.next() % (noise + 1) if r.next() % 2 else 0) for v in (x, y, x + w, y + h)]
        fate = r.next() % 10
        if fate > 0:
            shadow.append((*(v / 256 for v in moved), score, (kind + 1) % 3 if fate == 1 else kind))
    return production, shadow


def iou(a, b):
    """A matrix of all with all; corners may have changed places."""
    a, b = (numpy.hstack((numpy.minimum(v[:, :2], v[:, 2:4]), numpy.maximum(v[:, :2], v[:, 2:4]))) for v in (a, b))
    low, high = numpy.maximum(a[:, None, :2], b[None, :, :2]), numpy.minimum(a[:, None, 2:4], b[None, :, 2:4])
    both = numpy.prod(numpy.clip(high - low, 0, None), axis=2)
    area = [numpy.prod(v[:, 2:4] - v[:, :2], axis=1) for v in (a, b)]
    union = area[0][:, None] + area[1][None, :] - both
    same = numpy.all(a[:, None, :4] == b[None, :, :4], axis=2)
    return numpy.where(union > 0, both / numpy.where(union > 0, union, 1), same)


def boxes():
    choose = Random(18)
    for seed in range(1, ROWS + 1):
        count, noise, least = 1 + choose.next() % 25, choose.next() % 60, choose.choice((30, 50, 75))
        p, s = (numpy.array([v for v in side if v[4] >= 0.3] or numpy.zeros((0, 6))) for side in detections(seed, count, noise))
        p = p[numpy.argsort(-p[:, 4], kind="stable")]
        table, free = iou(p, s), numpy.ones(len(s), dtype=bool)
        alike = p[:, None, 5] == s[None, :, 5]
        left, found, total = list(range(len(p))), [0, 0], 0.0
        for turn, fits in enumerate((alike, ~alike)):
            for i in list(left):
                fit = numpy.where(fits[i] & free, table[i], -1)
                if len(fit) and fit.max() >= least / 100:
                    free[fit.argmax()] = False
                    left.remove(i)
                    found[turn] += 1
                    total += fit.max() if turn == 0 else 0
        print(seed, count, noise, least, len(p), len(s), *found, f"{total:.9g}")


if __name__ == "__main__":
    {"cosine": cosine, "rank": rank, "regression": regression, "boxes": boxes}[sys.argv[1]]()
