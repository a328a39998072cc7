"""Random predictions and labels, alike for the tests that know the answers and for those that ask another library."""

from __future__ import annotations

import numpy as np

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")


def boxes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return detections [samples, 130, 6] and labels [samples, 12, 5] of four classes, with ties and near misses.

    Coordinates are quarters of pixels and scores hundredths, so that overlaps and scores tie as they do in practice.
    Classes 2 and 3 have more than 100 detections in some images, class 4 is labelled nowhere, class 5 never found.
    """
    generator = np.random.default_rng(seed)
    samples = 12
    labels = np.full((samples, 12, 5), -1.0)
    found = np.full((samples, 130, 6), -1.0)
    for sample in range(samples):
        count = int(generator.integers(0, 12))
        corners = generator.integers(0, 200, size=(count, 2)) / 4
        labels[sample, :count, :2] = corners
        labels[sample, :count, 2:4] = corners + generator.integers(4, 120, size=(count, 2)) / 4
        labels[sample, :count, 4] = generator.choice([0, 1, 2, 3, 5], size=count)
        most = 130 if sample % 3 == 0 else int(generator.integers(0, 60))
        corners = generator.integers(0, 200, size=(most, 2)) / 4
        found[sample, :most, :2] = corners
        found[sample, :most, 2:4] = corners + generator.integers(4, 120, size=(most, 2)) / 4
        found[sample, :most, 5] = 2 if sample == 0 else generator.integers(0, 5, size=most)
        for place in range(min(count, most)):
            if generator.random() < 0.8:
                shift = generator.integers(-3, 4, size=4) / 4 * (generator.random() < 0.7)
                found[sample, place, :4] = labels[sample, place, :4] + shift
                found[sample, place, 5] = labels[sample, place, 4] % 5
        found[sample, :most, 4] = generator.integers(0, 100, size=most) / 100
        if seed % 2:  # true detections stand out from the others, so that high recalls are reached
            found[sample, count:most, 4] /= 10
    return found, labels


def tag_sequences(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted and true places in ``TAGS``, [30, 25], where some labels are -100 and some tags are astray."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, len(TAGS), size=(30, 25))
    labels[generator.random(labels.shape) < 0.4] = 0
    predicted = np.where(generator.random(labels.shape) < 0.8, labels, generator.integers(0, len(TAGS), labels.shape))
    labels[generator.random(labels.shape) < 0.1] = -100
    return predicted, labels
