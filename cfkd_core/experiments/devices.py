"""What a training asks of the machine, checked before anything is read."""

import torch

from cfkd_core.errors import InputError


def check_devices(accelerator: str, devices: int) -> None:
    """Refuse graphics cards that are not there.

    Args:
        accelerator: auto, cpu or cuda.
        devices: processes on this machine.

    Raises:
        InputError: naming the option.
    """
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if accelerator == "cuda" and not there:
        raise InputError("--accelerator cuda: torch finds no GPU; leave it out, or see `doctor`")
    if accelerator != "cpu" and there and devices > there:
        raise InputError(
            f"--devices {devices}: there are {there} GPUs; ask for as many, or for cpu"
        )
