"""Two processes on halves of each batch against one process on the whole."""

import copy

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy

from cfkd_core.training.loop import LoopOptions, train
from cfkd_core.training.stage import Stage
from cfkd_core.training.synchronised import synchronise

# One step each: Adam then remembers a tenth of the gradient itself. Beyond it, a gradient that is
# nothing but rounding (a bias before a BatchNorm) would move its weight by the whole rate.
STAGES = {
    "joint": (Stage({"fidelity": 1.0, "teacher_soft": 1.0}, epochs=1, batches=1),),
    "head": (Stage({"ground_truth": 1.0}, trained=("head",), epochs=1, batches=1, average=1.0),),
}


def _train(fabric, make_distiller, make_pairs, folder):
    terms = {name: {t for s in stages for t in s.losses} for name, stages in STAGES.items()}
    train(make_distiller(terms), STAGES, make_pairs(8), folder, fabric, LoopOptions(8))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own, of gloo and of unused parameters
def test_two_processes_do_what_one_does(make_distiller, make_pairs, fabric, tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    _train(fabric, make_distiller, make_pairs, alone)
    strategy = DDPStrategy(start_method="fork", find_unused_parameters=True)
    two = Fabric(accelerator="cpu", devices=2, strategy=strategy, precision="32-true")
    two.launch(_train, make_distiller, make_pairs, together)
    ours, theirs = (torch.load(each / "snapshot.pt") for each in (together, alone))
    for name in STAGES:
        gradients, expected = (
            each["courses"][name]["optimiser"]["state"] for each in (ours, theirs)
        )
        assert gradients.keys() == expected.keys()
        largest = max(entry["exp_avg"].abs().max() for entry in expected.values())
        for key, entry in expected.items():
            found = gradients[key]["exp_avg"]
            torch.testing.assert_close(found, entry["exp_avg"], rtol=1e-4, atol=1e-4 * largest)
    averages = [each["courses"]["head"]["average"] for each in (ours, theirs)]
    for key, value in averages[1].items():
        if "running_var" in key:  # measured anew, on the whole batch; biases move the means
            torch.testing.assert_close(averages[0][key], value, rtol=1e-4, atol=1e-5)
    for key, value in theirs["students"].items():
        if "running" in key:
            torch.testing.assert_close(ours["students"][key], value, rtol=1e-4, atol=1e-5)


def _normalise(fabric, maps, folder):
    layer = torch.nn.BatchNorm2d(3)
    synchronise(layer)
    share = maps.chunk(2)[fabric.global_rank].clone().requires_grad_()
    made = layer(share)
    # what differs between the shares, so that the moments' part of the gradient counts
    (made * (1 + fabric.global_rank)).square().sum().backward()
    torch.save((made.detach(), share.grad, layer.state_dict()), folder / f"{fabric.global_rank}.pt")


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_batch_norm_over_two_processes_is_that_of_the_whole_batch(tmp_path):
    maps = torch.randn(6, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * 3 + 2
    two = Fabric(accelerator="cpu", devices=2, strategy=DDPStrategy(start_method="fork"))
    two.launch(_normalise, maps, tmp_path)
    layer, whole = torch.nn.BatchNorm2d(3), copy.deepcopy(maps).requires_grad_()
    expected = layer(whole)
    weight = torch.tensor([1.0, 1, 1, 2, 2, 2]).view(6, 1, 1, 1)
    (expected * weight).square().sum().backward()
    shares = [torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)]
    torch.testing.assert_close(torch.cat([each[0] for each in shares]), expected.detach())
    torch.testing.assert_close(
        torch.cat([each[1] for each in shares]), whole.grad, rtol=1e-4, atol=1e-5
    )
    for each in shares:
        for key, value in layer.state_dict().items():
            torch.testing.assert_close(each[2][key], value)
