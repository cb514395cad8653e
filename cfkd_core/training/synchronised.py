"""BatchNorm over the batch of all processes: a share of the batch must not have its own moments."""

import torch
import torch.distributed as processes
from jaxtyping import Float
from torch import Tensor, nn


def synchronise(module: nn.Module) -> None:
    """Makes every BatchNorm in `module` take its moments over all processes, in training.

    Differs: torch.nn.SyncBatchNorm does the same on GPUs only.
    """
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.__class__ = _with_all(type(layer))  # type: ignore[assignment]  # a subclass of it


class _Mean(torch.autograd.Function):
    """The mean of a tensor over all processes; so is its gradient, for each took part in all."""

    @staticmethod
    def forward(context, values: Tensor) -> Tensor:
        return _mean(values)

    @staticmethod
    def backward(context, gradient: Tensor) -> Tensor:
        return _mean(gradient)


def _mean(values: Tensor) -> Tensor:
    total = values.contiguous().clone()
    processes.all_reduce(total)
    return total / processes.get_world_size()


def _with_all(kind: type[nn.Module]) -> type[nn.Module]:
    """BatchNorm of this kind, whose moments are means over the processes."""

    class Synchronised(kind):  # type: ignore[valid-type, misc]  # a kind known when it runs
        def forward(self, maps: Float[Tensor, "n c *s"]) -> Float[Tensor, "n c *s"]:
            if not self.training:
                return super().forward(maps)
            with torch.autocast(maps.device.type, enabled=False):
                return self._normalised(maps.float()).to(maps.dtype)

        def _normalised(self, maps: Tensor) -> Tensor:
            others = [axis for axis in range(maps.dim()) if axis != 1]
            shape = (1, -1, *(1 for _ in others[1:]))
            mean = _Mean.apply(maps.mean(others))
            # after the mean, not from the mean square: that would cancel
            centred = maps - mean.view(shape)
            variance = _Mean.apply(centred.square().mean(others))
            count = processes.get_world_size() * maps.numel() // maps.shape[1]
            self._remember(mean, variance, count)
            scale = self.weight * (variance + self.eps).rsqrt()
            return centred * scale.view(shape) + self.bias.view(shape)

        @torch.no_grad()
        def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
            self.num_batches_tracked += 1
            # None stands for the plain mean over all batches, as in torch
            share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, share)
            self.running_var.lerp_(variance * count / max(count - 1, 1), share)

    return Synchronised
