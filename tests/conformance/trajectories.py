"""Random trajectories with every kind of damage that published results have."""

import numpy as np

SIZE = (64, 48)


def box(generator):
    """Somewhere in the image, over its border, or on whole numbers or tenths, where ties are."""
    values = np.array([
        generator.uniform(-8, 60), generator.uniform(-8, 44),
        generator.uniform(0.5, 30), generator.uniform(0.5, 30)
    ])  # fmt: skip
    kind = generator.integers(4)
    if kind == 0:
        return values
    return np.maximum(np.round(values, kind - 1), [-8, -8, 0.5, 0.5])


def damaged(generator, good):
    """A row that is no proper box."""
    row = good.copy()
    kind = generator.integers(6)
    if kind == 0:
        row[:] = np.nan
    elif kind == 1:
        row[generator.integers(4)] = np.nan
    elif kind == 2:
        row[2 + generator.integers(2)] = 0
    elif kind == 3:
        row[2:] = -row[2:]
    elif kind == 4:
        row[2 + generator.integers(2)] *= -1
    else:
        row[:2] = generator.choice([-500, 500, 0], 2)
    return row


def annotation(generator, frames):
    """A ground truth whose first box is proper; later ones may be anything."""
    truth = np.array([box(generator) for _ in range(frames)])
    truth[0] = np.maximum(truth[0], [1, 1, 1, 1])
    for i in range(1, frames):
        if generator.random() < 0.15:
            truth[i] = damaged(generator, truth[i])
    return truth


def answers(generator, truth, count):
    """So many boxes: right, near, elsewhere, or damaged."""
    rows = []
    for i in range(count):
        told = truth[min(i, len(truth) - 1)]
        kind = generator.integers(4)
        if kind == 0:
            row = told.copy()
        elif kind == 1:
            row = told + generator.integers(-4, 5, 4)
        elif kind == 2:
            row = told + generator.normal(0, 2, 4)
        else:
            row = box(generator)
        rows.append(damaged(generator, row) if generator.random() < 0.2 else row)
    return np.array(rows).reshape(-1, 4)


def trajectory(generator, *, longer=False, shorter=False):
    """Boxes, ground truth and visibility of 1 to 12 frames.

    Args:
        longer: there may be more boxes than frames.
        shorter: there may be fewer.
    """
    frames = int(generator.integers(1, 13))
    truth = annotation(generator, frames)
    low = 0 if shorter and generator.random() < 0.3 else frames
    high = frames + 4 if longer and generator.random() < 0.3 else frames
    count = int(generator.integers(low, high + 1))
    visible = generator.random(frames) < 0.8
    visible[0] = True
    return answers(generator, truth, count), truth, visible
