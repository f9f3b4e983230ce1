"""patterns.py - what the models know and what clients ask about: ten patterns of 64 numbers, and noise

Everything comes from fixed seeds, so each run has the same models and the same requests.
"""
import numpy

FEATURES, CLASSES = 64, 10
PATTERNS = numpy.random.default_rng(1).normal(size=(CLASSES, FEATURES))


def samples(count, seed):
    """(rows, labels): @count patterns with so much noise that the best model is wrong now and then."""
    rng = numpy.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=count)
    return (PATTERNS[labels] + rng.normal(scale=2.2, size=(count, FEATURES))).astype("<f4"), labels
