#!/usr/bin/python3
"""make_cosine.py - rows of two random vectors and what numpy says of them, for tests/unit/compare/test_cosine.c

usage: tests/data/outputs/make_cosine.py >tests/data/outputs/cosine.txt

A row is a seed, how many numbers, by which power of two the noise is smaller, eighths of the scale, then the cosine and
the ratio of the lengths. The vectors are made again from the seed: numbers of 24 bits from splitmix64, so that both
sides have the same floats.
"""
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


def vectors(seed, count, power, eighths):
    r = Random(seed)
    pairs = [(r.number(), r.number()) for _ in range(count)]
    production = numpy.array([a for a, _ in pairs], dtype=numpy.float32)
    shadow = numpy.array([(a + b / (1 << power)) * (eighths / 8) for a, b in pairs], dtype=numpy.float64)
    return production, shadow.astype(numpy.float32)


def main():
    choose = Random(15)
    for seed in range(1, ROWS + 1):
        count, power, eighths = 1 + choose.next() % 384, choose.next() % 16, 1 + choose.next() % 24
        if choose.next() % 16 == 0:
            count = 1536
        p, s = (v.astype(numpy.float64) for v in vectors(seed, count, power, eighths))
        lengths = numpy.linalg.norm(p), numpy.linalg.norm(s)
        print(seed, count, power, eighths, repr(float(numpy.dot(p, s) / (lengths[0] * lengths[1]))),
              repr(float(lengths[1] / lengths[0])))


if __name__ == "__main__":
    main()
