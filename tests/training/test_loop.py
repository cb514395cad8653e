"""The loop: it learns, it can be stopped at any moment, and it gives the same numbers twice."""

import errno
import multiprocessing
import os
import resource
import signal
from contextlib import closing
from dataclasses import replace

import pytest
import torch

from cfkd_core.errors import InputError
from cfkd_core.files import locked
from cfkd_core.training import journal, loop, snapshot
from cfkd_core.training.loop import LoopOptions, train
from cfkd_core.training.stage import Stage, stage_at

CFKD = Stage(
    {"fidelity": 100.0, "correlation_filter": 0.1, "teacher_soft": 1.0, "adaptive_hard": 0.1},
    epochs=4,
    batches=2,
    lr=1e-3,
    drop_every=2,
)
SEPARATE = (
    replace(CFKD, losses={"fidelity": 1.0}, trained=("backbone",), epochs=2),
    replace(CFKD, losses={"teacher_soft": 1.0}, trained=("head",), epochs=3, average=0.9, clip=1.0),
)
STAGES = {"cfkd": (CFKD,), "separate": SEPARATE}
OPTIONS = LoopOptions(batch_size=4, save_every=3)


@pytest.fixture
def run(make_distiller, make_pairs, fabric):
    """A function: trains both students in a folder, and gives their weights."""

    def start(folder, stages=STAGES, options=OPTIONS, validate=None, **more):
        terms = {name: {t for s in each for t in s.losses} for name, each in stages.items()}
        nets = train(
            make_distiller(terms), stages, make_pairs(80), folder, fabric, options,
            validate=validate, **more,
        )  # fmt: skip
        return {name: net.state_dict() for name, net in nets.items()}

    return start


def _assert_equal(first, second):
    for name in first:
        for key, tensor in first[name].items():
            assert torch.equal(tensor, second[name][key]), (name, key)


@pytest.fixture
def unbroken(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return run(folder), folder


def test_the_same_seed_gives_the_same_weights(run, unbroken, tmp_path):
    _assert_equal(run(tmp_path), unbroken[0])


def test_every_term_of_every_step_is_written_down(unbroken):
    _, folder = unbroken
    entries = journal.read(folder / "separate")
    assert [entry["step"] for entry in entries] == list(range(10))
    assert "fidelity" in entries[3]
    assert "teacher_soft" not in entries[3]
    assert "teacher_soft" in entries[4]
    entries = journal.read(folder / "cfkd")
    assert len(entries) == 8  # its stages are shorter
    for entry in entries:
        total = sum(weight * entry[term] for term, weight in CFKD.losses.items())
        assert entry["total"] == pytest.approx(total, rel=1e-5)
    assert [entry["lr"] for entry in entries] == pytest.approx([1e-3] * 4 + [1e-4] * 4)


def _train_until_killed(run, folder, steps: int) -> None:
    """Dies like a process that is killed, in the middle of writing a step down."""
    written = 0
    write = journal.Journal.write

    def count(self, step, values):
        nonlocal written
        write(self, step, values)
        written += 1
        if step == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    loop.Journal.write = count
    run(folder)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("steps", [1, 4, 7])
def test_a_killed_run_goes_on_to_the_same_weights(steps, run, unbroken, tmp_path):
    """Before the first snapshot, in the second stage of one, and after the end of the other."""
    process = multiprocessing.get_context("fork").Process(
        target=_train_until_killed, args=(run, tmp_path, steps)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    state = snapshot.read(tmp_path)
    assert (state["step"] if state else 0) == (steps // 3) * 3
    _assert_equal(run(tmp_path), unbroken[0])
    for name in STAGES:
        steps_written = [entry["step"] for entry in journal.read(tmp_path / name)]
        assert steps_written == list(range(len(steps_written)))


def test_a_finished_run_is_not_trained_again(run, unbroken):
    weights, folder = unbroken
    before = (folder / "cfkd" / journal.FILE).read_bytes()
    _assert_equal(run(folder), weights)
    assert (folder / "cfkd" / journal.FILE).read_bytes() == before


def test_another_training_is_not_gone_on_with(run, unbroken):
    changed = STAGES | {"cfkd": (replace(CFKD, lr=1e-2),)}
    with pytest.raises(InputError, match="of another training"):
        run(unbroken[1], changed)
    with pytest.raises(InputError, match="of another training"):
        run(unbroken[1], options=replace(OPTIONS, batch_size=8))


def test_a_damaged_snapshot_is_named(run, tmp_path):
    (tmp_path / snapshot.FILE).write_bytes(b"half a file")
    with pytest.raises(InputError, match=r"snapshot\.pt: damaged"):
        run(tmp_path)


def test_the_total_falls_on_one_repeated_batch(make_distiller, make_pairs):
    distiller = make_distiller({"a": set(CFKD.losses)})
    optimiser = torch.optim.Adam(distiller.learn("a", CFKD.trained), lr=5e-3)
    batch = make_pairs(8).batch(list(range(8)))
    totals = []
    for _ in range(20):
        total = distiller(batch, {"a": CFKD.losses})["a"]["total"]
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(total.item())
    assert totals[-1] < 0.5 * totals[0]


def test_lockstep_changes_nothing(run, unbroken, tmp_path):
    """A student beside others ends as it does alone."""
    alone = run(tmp_path, {"separate": SEPARATE})
    _assert_equal(alone, {"separate": unbroken[0]["separate"]})


def test_a_loss_that_is_not_finite_stops_the_run(run, tmp_path):
    with pytest.raises(InputError, match="cfkd: the loss is not finite"):
        run(tmp_path, {"cfkd": (replace(CFKD, lr=1e30),)})


def test_validation_is_written_down_and_leaves_the_student_in_its_mode(run, tmp_path):
    modes = []

    def validate(name, net):
        assert name == "cfkd"
        modes.append(any(module.training for module in net.modules()))
        return {"answer": 42.0}

    run(tmp_path, {"cfkd": (CFKD,)}, replace(OPTIONS, validate_every=3), validate)
    entries = journal.read(tmp_path / "cfkd")
    assert [e["step"] for e in entries if "validation_answer" in e] == [2, 5, 7]
    assert not any(modes)


def test_too_few_pairs_are_refused(run, tmp_path):
    with pytest.raises(InputError, match="80 pairs: 2000 are needed"):
        run(tmp_path, {"cfkd": (replace(CFKD, batches=125),)})


@pytest.mark.parametrize(
    ("step", "place"), [(0, (0, 0)), (3, (0, 3)), (4, (1, 0)), (9, (1, 5)), (10, None)]
)
def test_which_stage_a_step_is_in(step, place):
    assert stage_at(SEPARATE, step) == place


def test_the_thesis_schedule_by_hand():
    """1e-2 for 15 epochs, then a tenth of it every 15 (The original, exactly, section 2.5)."""
    stage = Stage({"fidelity": 1.0})
    rates = [stage.rate(epoch * 1000 - 1) for epoch in (1, 15, 16, 30, 31, 45, 46, 50)]
    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5])


def test_the_cosine_schedule_by_hand():
    stage = Stage({"fidelity": 1.0}, epochs=1, batches=12, lr=1.0, schedule="cosine", warm_up=2)
    assert [stage.rate(step) for step in (0, 1, 2, 7)] == pytest.approx([0.5, 1.0, 1.0, 0.5])
    assert stage.rate(11) < 0.03


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"losses": {"fidelty": 1.0}}, "'fidelty': unknown"),
        ({"losses": {}}, "needs a loss"),
        ({"trained": ()}, "a part that learns"),
    ],
)
def test_a_stage_that_makes_no_sense(changes, message):
    with pytest.raises(InputError, match=message):
        replace(CFKD, **changes)


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_second_run_in_the_folder_of_one_is_refused(run, tmp_path):
    """Both would write the same journal, line by line between each other's."""
    with locked(tmp_path, wait=False), pytest.raises(InputError, match="another run"):
        run(tmp_path)
    assert not list(tmp_path.rglob(journal.FILE))


def test_a_full_disk_is_named_and_the_run_goes_on_later(run, unbroken, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.replace", full)
        with pytest.raises(InputError, match="No space left on device"):
            run(tmp_path)
    assert not list(tmp_path.rglob("*.partial"))
    _assert_equal(run(tmp_path), unbroken[0])


def test_a_journal_that_cannot_grow_is_named(tmp_path, monkeypatch):
    with closing(journal.Journal(tmp_path, 0)) as written:
        written.write(0, {"total": 1.0})
        monkeypatch.setattr(written._board, "add_scalar", full)
        with pytest.raises(InputError, match=r"log\.jsonl: cannot be written .* same command"):
            written.write(1, {"total": 1.0})


@pytest.mark.parametrize("line", ["3", "[1]", '{"total": 1}', '{"step": "0"}', "[" * 9000])
def test_lines_that_are_no_records_are_named(tmp_path, line):
    (tmp_path / journal.FILE).write_text(line + '\n{"step": 1}\n')
    with pytest.raises(InputError, match=r"log\.jsonl, line 1: not a record"):
        journal.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04", bytes(200)])
def test_a_snapshot_damaged_in_any_way_is_named(tmp_path, content):
    (tmp_path / snapshot.FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"snapshot\.pt: damaged; delete it"):
        snapshot.read(tmp_path)


def test_snapshots_beyond_the_kernels_limit_leave_the_old_one(tmp_path):
    snapshot.write(tmp_path, {"step": 1, "weights": torch.ones(2)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(InputError, match="cannot be written"):
            snapshot.write(tmp_path, {"step": 2, "weights": torch.ones(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert snapshot.read(tmp_path)["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == [snapshot.FILE]


def test_checkpoints_are_written_as_the_pairs_double(run, unbroken, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "FIRST_CHECKPOINT", 8)
    seen = {}

    def note(name, pairs, net):
        seen[name, pairs] = {key: value.clone() for key, value in net.state_dict().items()}

    weights = run(tmp_path, checkpoint=note)
    assert sorted(seen) == [("cfkd", n) for n in (8, 16, 32)] + [
        ("separate", n) for n in (8, 16, 32)
    ]
    _assert_equal(weights, unbroken[0])
    _assert_equal({"cfkd": weights["cfkd"]}, {"cfkd": seen["cfkd", 32]})


def test_the_average_has_statistics_of_its_own_weights(
    make_distiller, make_pairs, fabric, tmp_path
):
    """BatchNorm's mean is that of the averaged weights on the last batches, not an average."""
    stage = Stage({"fidelity": 1.0}, epochs=1, batches=3, lr=1e-2, schedule="constant", average=1.0)
    pairs = make_pairs(12)
    distiller = make_distiller({"a": {"fidelity"}})
    found = train(distiller, {"a": (stage,)}, pairs, tmp_path, fabric, LoopOptions(batch_size=4))
    net = found["a"]
    mean = torch.zeros_like(net.backbone.block1[1].running_mean)
    for step in range(3):
        batch = pairs.batch(list(range(4 * step, 4 * step + 4)))
        for images in (batch.target, batch.search):
            maps = net.backbone.block1[0]((images - net.backbone.mean) / net.backbone.std)
            mean += maps.mean((0, 2, 3)) / 6
    torch.testing.assert_close(net.backbone.block1[1].running_mean, mean.detach())


def test_other_data_are_not_gone_on_with(run, tmp_path):
    run(tmp_path, origin={"data": "one"})
    with pytest.raises(InputError, match=r"of another training \(data changed\)"):
        run(tmp_path, origin={"data": "other"})


def test_a_training_at_a_constant_rate_can_be_made_longer(run, tmp_path):
    """And ends with the weights of one that was as long from the start."""
    short = replace(CFKD, schedule="constant", average=1.0, epochs=2)
    long = replace(short, epochs=4)
    run(tmp_path / "extended", {"cfkd": (short,)})
    extended = run(tmp_path / "extended", {"cfkd": (long,)})
    _assert_equal(extended, run(tmp_path / "whole", {"cfkd": (long,)}))
    with pytest.raises(InputError, match=r"of another training \(stages changed\)"):
        run(tmp_path / "extended", {"cfkd": (replace(long, lr=1e-4),)})
