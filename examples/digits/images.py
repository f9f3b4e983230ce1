"""images.py - the digits of scikit-learn, 1,797 images of 8 x 8: seven tenths to learn from, the rest to ask about"""
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

PIXELS = 64


def split():
    x, y = load_digits(return_X_y=True)
    return train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)


def to_learn():
    x, _, y, _ = split()
    return x, y


def to_ask():
    """Images that no model has seen."""
    return split()[1]
