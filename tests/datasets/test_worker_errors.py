"""Processes that read images and fail: one line each."""

import gc
import os
import signal

import pytest
from torch.utils.data import DataLoader, Dataset

from cfkd_core.datasets.worker_errors import worker_errors
from cfkd_core.errors import InputError


@pytest.fixture(autouse=True)
def loaders_end_here():
    """Not in whichever test comes when they are collected."""
    yield
    gc.collect()


class Failing(Dataset):
    """Items of which each raises or kills."""

    def __init__(self, fail):
        self.fail = fail

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.fail()


def refuse():
    raise InputError("a.jpg: cannot be decoded\nas an image; is it damaged?")


def divide():
    return 1 / 0


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def read(fail, workers=2):
    batches = iter(DataLoader(Failing(fail), batch_size=None, num_workers=workers))
    with worker_errors():
        next(batches)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_workers_error_is_the_one_it_raised(workers):
    with pytest.raises(InputError) as error:
        read(refuse, workers)
    assert str(error.value) == "a.jpg: cannot be decoded\\nas an image; is it damaged?"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_worker_that_died_is_reported():
    with pytest.raises(
        InputError, match=r"that reads images (is killed|exited unexp).*; .*--workers"
    ):
        read(kill)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_other_errors_are_left_alone():
    with pytest.raises(ZeroDivisionError):
        read(divide)
