"""The command line, `python -m cfkd_core COMMAND`; no logic here."""

import io
import json as json_format
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tqdm import tqdm
from tyro.conf import Positional, arg

from cfkd_core.errors import InputError
from cfkd_core.files import refuse_overwriting
from cfkd_core.options import Amount, Count, Factor, PatchSide, Rate, Seed, checked


def track(
    video: Positional[Path | None] = None,
    box: Annotated[str, arg(metavar="X,Y,W,H")] = "",
    camera: Amount | None = None,
    frames: Count | None = None,
    tracker: str = "matom",
    weights: Path | None = None,
    output: Path | None = None,
    boxes: Path | None = None,
    seed: Seed = 0,
    runtime: Literal["auto", "torch", "onnxruntime", "int8"] = "auto",
    strict: bool = False,
    json: bool = False,
) -> int:
    """Follow a target through a video.

    For example,

      cfkd track film.mp4 --box 226,39,49,62 --output tracked.mp4 --boxes boxes.csv
      cfkd track images/ --box 226,39,49,62 --tracker csrt --json
      cfkd track --camera 0 --frames 300 --output tracked.mp4

    Args:
        video: a video file, or a folder of images in natural order.
        box: the target in the first frame, px: left, top, width, height; before a camera it may be
            left out: the target is then what fills the middle third of the picture.
        camera: number of a webcam, instead of a video; Ctrl-C ends the film, and what was asked
            for is written.
        frames: stop after so many; all if not given.
        tracker: matom, classifier (mATOM without its head: the box keeps its size), atom, mdrnet,
            drnet, mosse, csrt, kcf, mil, or trained weights that ship.
        weights: other weights for a network: a file of this project or of PyTracking.
        output: where to draw the boxes: .mp4, .avi, or a folder of JPEGs.
        boxes: where to write them as CSV: frame, x, y, w, h, score, status, seconds.
        seed: of everything random in the tracker.
        runtime: what runs a network; auto takes onnxruntime where it is installed. int8 is matom's
            in whole numbers, with other answers.
        strict: refuse a damaged video, of which some frames cannot be read.
        json: print one JSON object, for programs.
    """
    from cfkd_core.datasets.footage import open_footage
    from cfkd_core.datasets.video import draw_box, write_video
    from cfkd_core.tracking.load import load_tracker
    from cfkd_core.tracking.tracker import check_boxes_file
    from cfkd_core.tracking.tracker import track as follow

    footage = open_footage(video, camera, box, frames, strict=strict)
    refuse_overwriting([output, boxes], [*footage.files, weights])
    if boxes is not None:
        check_boxes_file(boxes)
    chosen = load_tracker(tracker, weights=weights, seed=seed, runtime=runtime)
    with ExitStack() as stack:
        bar = stack.enter_context(
            tqdm(total=footage.total, desc=tracker, unit="frame", disable=None)
        )
        write = stack.enter_context(write_video(output, footage.source.fps)) if output else None

        def watch(frame, prediction):
            bar.update()
            if write is not None:
                label = f"{tracker} {prediction.score:.2f}"
                write(draw_box(frame, prediction.box, label=label), footage.source.time)

        trajectory = follow(chosen, footage.frames, footage.box, watch)
    if boxes is not None:
        trajectory.to_csv(boxes)
    counts = Counter(trajectory.statuses)
    wrote = [str(path) for path in (output, boxes) if path is not None]
    if json:
        said = {"tracker": tracker, "damage": footage.source.damage, "wrote": wrote}
        summary = trajectory.summary() | said
        print(json_format.dumps(summary, allow_nan=False))
        return 0
    lost = f", lost in {counts['lost']}" if counts["lost"] else ""
    print(
        f"{len(trajectory.boxes)} frames{lost}; {trajectory.fps:.1f} FPS after a first frame of "
        f"{trajectory.seconds[0]:.2f} s"
    )
    if footage.source.damage:
        print(f"{video}: {footage.source.damage}")
    for path in wrote:
        print(f"wrote {path}")
    return 0


def film(
    name: Positional[str],
    output: Path,
    length: Count | None = None,
    trackers: str = "",
    benchmark: str = "synthetic",
    root: Path | None = None,
    results: Path = Path("results"),
    frames: Annotated[str, arg(metavar="FIRST:LAST")] = "",
) -> int:
    """Write a film of the synthetic benchmark as a video, with its true boxes beside it.

    Something to try the other commands on; boxes lie in a file of the same name, .csv. With
    --trackers it is a sequence of any benchmark, with the truth and what they answered drawn in.

    For example,

      cfkd film syn_clutter_cup --output cup.mp4
      cfkd film Jogging.1 --output jog.mp4 --benchmark otb --root DIR --trackers matom,csrt \
        --frames 60:120

    Args:
        name: of the film; a wrong one lists them all.
        output: the video to write, .mp4 or .avi.
        length: frames to write; all if not given.
        trackers: names whose boxes to draw, separated by commas.
        benchmark: of the sequence, where trackers are drawn.
        root: folder of the benchmark's files; else CFKD_DATA says where they are.
        results: whose boxes to draw, as for `score`.
        frames: to draw, both included, counted from 0; all if empty.
    """
    from cfkd_core.datasets.film import write_film
    from cfkd_core.datasets.synthetic import synthetic_sequences

    if trackers:
        return _draw(name, output, trackers, benchmark, root, results, frames)
    if benchmark != "synthetic" or root is not None or frames:
        raise InputError("--benchmark, --root and --frames draw trackers: name some by --trackers")
    (sequence,) = synthetic_sequences([name], length)
    table = write_film(sequence, output)
    box = ",".join(f"{number:.0f}" for number in sequence.boxes[0])
    print(f"wrote {output}: {len(sequence)} frames; the target begins at --box {box}")
    print(f"wrote {table}")
    return 0


def _draw(
    name: str,
    output: Path,
    trackers: str,
    benchmark: str,
    root: Path | None,
    results: Path,
    frames: str,
) -> int:
    from cfkd_core.benchmarks import overlay, stored
    from cfkd_core.datasets.readers import load_benchmark

    (sequence,) = _pick(load_benchmark(benchmark, root), name)
    answers = stored.first_answers(benchmark, sequence, results, trackers.split(","))
    span = overlay.parse_span(frames, len(sequence))
    overlay.write_overlay(sequence, answers, span, output)
    print(f"wrote {output}: {len(span)} frames of {name} with {', '.join(answers)} and the truth")
    return 0


def run(
    benchmark: str,
    trackers: str,
    results: Path = Path("results"),
    root: Path | None = None,
    sequences: str = "",
    weights: Path | None = None,
    experiment: Literal["ope", "reset", "realtime"] = "ope",
    rule: Literal["legacy", "toolkit-0.9"] = "legacy",
    fps: Rate = 20.0,
    latency: Annotated[str, arg(metavar="live|MS|PATH")] = "live",
    repetitions: Count | None = None,
    seed: Seed = 0,
    runtime: Literal["auto", "torch", "onnxruntime", "int8"] = "auto",
    jobs: Count = 1,
    scheduler: str | None = None,
    force: bool = False,
    strict: bool = False,
    trace: bool = False,
    json: bool = False,
) -> int:
    """Run trackers on every sequence of a benchmark and write the boxes, one file a sequence.

    For example,

      cfkd run --benchmark synthetic --trackers classifier,csrt
      cfkd run --benchmark otb --root DIR --trackers matom --jobs 8
      cfkd run --benchmark own --root videos/ --trackers matom --repetitions 5

    Args:
        benchmark: synthetic, otb, lasot, trackingnet, vot2018, vot2019, got10k, got10k-val, uav123,
            davis or own.
        trackers: names, separated by commas.
        results: folder for the boxes; complete files there are kept.
        root: folder of the benchmark's files; else CFKD_DATA says where they are.
        sequences: names to run, separated by commas; all if empty.
        weights: other weights for the networks among them.
        experiment: one pass, or VOT's with restarts, or VOT's against the clock.
        rule: of realtime: the challenges' own toolkit, or vot-toolkit 0.9.
        fps: of realtime: frames that arrive in a second.
        latency: of realtime: this machine's, milliseconds, or a file or folder of recorded times.
        repetitions: of each sequence; ope 1, realtime 1, reset up to 15 where they differ.
        seed: of everything random in a tracker; each sequence and repetition gets its own from it.
        runtime: what runs networks; auto takes onnxruntime where it is installed. int8 is matom's
            in whole numbers, with other answers.
        jobs: sequences to run at a time, each in its own process.
        scheduler: address of a dask cluster to run on, instead of this machine.
        force: run anew what is there already.
        strict: refuse damaged videos, of which some frames cannot be read.
        trace: write score and status of each frame beside the boxes, in SEQUENCE_trace.csv.
        json: print a JSON object for each sequence, a line each, for programs.
    """
    from cfkd_core.benchmarks import grid, workers
    from cfkd_core.benchmarks.runners import make_runner
    from cfkd_core.datasets.readers import damages
    from cfkd_core.tracking.recipe import TrackerRecipe

    runner = make_runner(experiment, rule=rule, fps=fps, latency=latency, trace=trace)
    plan = grid.Grid(
        entrants=tuple(
            TrackerRecipe(name, weights, seed, runtime=runtime) for name in trackers.split(",")
        ),
        sequences=tuple(_load(benchmark, root, sequences)),
        runner=runner,
        results=results,
        benchmark=benchmark,
        repetitions=runner.repetitions if repetitions is None else repetitions,
    )
    for line in damages(list(plan.sequences), strict=strict):
        print(line, file=sys.stderr)
    refuse_overwriting([plan.folder(each.name) for each in plan.entrants], [root, weights])
    outcomes = grid.run(plan, execute=workers.choose(jobs, scheduler), force=force)
    for outcome in outcomes if json else ():
        print(json_format.dumps(asdict(outcome), allow_nan=False))
    if not json:
        print(grid.summary(outcomes))
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    for outcome in failed:
        print(f"FAILED {outcome.tracker} on {outcome.sequence}: {outcome.error}", file=sys.stderr)
    if not json:
        print(f"boxes in {results / benchmark}; score them with: score --benchmark {benchmark}")
    return 1 if failed else 0


def score(
    benchmark: str,
    results: Path = Path("results"),
    root: Path | None = None,
    trackers: str = "",
    sequences: str = "",
    experiment: Literal["ope", "reset", "realtime"] = "ope",
    protocol: str = "",
    partial: bool = False,
    by_sequence: bool = False,
    json: Path | None = None,
    csv: Path | None = None,
    markdown: Path | None = None,
) -> int:
    """Score boxes that `run` wrote, or other people's; nothing is tracked.

    Other people's results are text or OTB's .mat, in a folder or a zip, of one tracker or several;
    the benchmark's sequences are sought in the files' names, and a line says what was found.

    For example,

      cfkd score --benchmark synthetic --json scores.json
      cfkd score --benchmark own --root videos/ --by-sequence
      cfkd score --benchmark otb --root DIR --results published.zip --trackers KCF

    Args:
        benchmark: synthetic, otb, lasot, trackingnet, vot2018, vot2019, got10k, got10k-val, uav123,
            davis or own.
        results: the folder that was given to `run`, or other people's results of this benchmark.
        root: folder of the benchmark's files; else CFKD_DATA says where they are.
        trackers: names to score, separated by commas; all if empty.
        sequences: names to score, separated by commas; all if empty.
        experiment: whose boxes: of one pass, or of VOT's with restarts or against the clock.
        protocol: otb, lasot, trackingnet, got10k, uav123, pytracking, pysot, …, or with restarts
            vot-legacy-2018, vot-pysot-2018, vot-toolkit-0.9-2018, …; the benchmark's own if empty.
        partial: score trackers that lack some sequences, on those they have.
        by_sequence: print a table for each tracker, too.
        json: write everything (curves, scores, provenance) to this file.
        csv: write the scores of each sequence to this file.
        markdown: write what is printed to this file.
    """
    from cfkd_core.benchmarks import report, stored
    from cfkd_core.files import write_text

    refuse_overwriting([json, csv, markdown], [results / benchmark, root])
    reports = stored.score(
        benchmark,
        _load_annotated(benchmark, root, sequences),
        results,
        protocol=protocol or stored.default_protocol(benchmark, experiment),
        experiment=experiment,
        trackers=trackers.split(",") if trackers else (),
        partial=partial,
    )
    for note in dict.fromkeys(note for each in reports for note in each.notes):
        print(note, file=sys.stderr)
    tables = [report.markdown(report.table(reports))]
    if by_sequence:
        tables += [report.markdown(each.by_sequence(), index=each.tracker) for each in reports]
    print("\n".join(tables))
    if json is not None:
        report.save_json(reports, json)
    if csv is not None:
        write_text(csv, report.sequences_csv(reports))
    if markdown is not None:
        write_text(markdown, "\n".join(tables))
    for path in filter(None, (json, csv, markdown)):
        print(f"wrote {path}")
    return 0


def compare(
    first: Positional[str],
    second: Positional[str],
    benchmark: str,
    results: Path = Path("results"),
    root: Path | None = None,
    sequences: str = "",
    experiment: Literal["ope", "reset", "realtime"] = "ope",
    protocol: str = "",
    seed: Seed = 0,
    worst: Count | None = None,
) -> int:
    """Compare two trackers on the same sequences, drawn again and again (paired bootstrap).

    Prints how much higher the first one's scores are, an interval that holds 95 % of the draws,
    and the share of draws in which the first one is above.

    For example,

      cfkd compare matom csrt --benchmark synthetic
      cfkd compare matom csrt --benchmark otb --root DIR --worst 5

    Args:
        first: name of a tracker that `run` has run.
        second: name of another one.
        benchmark: synthetic, otb, lasot, vot2018, vot2019, got10k-val, uav123, davis or own.
        results: the folder that was given to `run`.
        root: folder of the benchmark's files; else CFKD_DATA says where they are.
        sequences: names to draw from, separated by commas; all if empty.
        experiment: whose boxes: of one pass, or of VOT's with restarts or against the clock.
        protocol: as for `score`; the benchmark's own if empty.
        seed: of the draws.
        worst: also list so many sequences on which the two differ most.
    """
    from cfkd_core.benchmarks import bootstrap, report, stored

    reports = stored.score(
        benchmark,
        _load_annotated(benchmark, root, sequences),
        results,
        protocol=protocol or stored.default_protocol(benchmark, experiment),
        experiment=experiment,
        trackers=(first, second),
    )
    by_name = {each.tracker: each for each in reports}
    table = bootstrap.compare(by_name[first], by_name[second], seed=seed)
    print(report.markdown(table, index=f"{first} - {second}"))
    if worst is not None:
        apart = report.worst(by_name[first], by_name[second], worst)
        print(report.markdown(apart, index="sequence"))
    return 0


def table(
    number: Positional[Literal[6, 7, 8]],
    scores: list[Path] | None = None,
    markdown: Path | None = None,
) -> int:
    """Print one of the thesis's Tables 4.6 to 4.8, with what was recomputed beside each number.

    A score counts for a row if tracker, benchmark and protocol are the row's; the other rows say
    what they would need.

    For example,

      cfkd table 6
      cfkd table 8 --scores vot2018.json vot2019.json --markdown table.md

    Args:
        number: 6 is LaSOT, 7 TrackingNet, 8 VOT2018 and VOT2019.
        scores: files that `score --json` has written.
        markdown: write what is printed to this file.
    """
    from cfkd_core.benchmarks import report, thesis_tables
    from cfkd_core.files import write_text

    refuse_overwriting([markdown], scores or [])
    reports = [each for file in scores or [] for each in report.load_json(file)]
    text = thesis_tables.as_markdown(number, thesis_tables.regenerate(number, reports))
    print(text)
    if markdown is not None:
        write_text(markdown, text)
        print(f"wrote {markdown}")
    return 0


def submit(
    benchmark: Literal["trackingnet", "got10k"],
    tracker: str,
    output: Path,
    results: Path = Path("results"),
    root: Path | None = None,
) -> int:
    """Pack a tracker's boxes into the archive that the benchmark's server takes.

    For example,

      cfkd submit --benchmark trackingnet --root DIR --tracker matom --output matom.zip

    Args:
        benchmark: whose server.
        tracker: name of a tracker that `run` has run.
        output: the archive to write, .zip.
        results: the folder that was given to `run`.
        root: folder of the benchmark's files; else CFKD_DATA says where they are.
    """
    from cfkd_core.benchmarks import submission

    refuse_overwriting([output], [results / benchmark, root])
    sequences = _load(benchmark, root, "")
    count = submission.pack(benchmark, sequences, results, tracker, output)
    print(f"wrote {output}: {count} files of {len(sequences)} sequences")
    return 0


def _load(benchmark: str, root: Path | None, names: str) -> list:
    """The sequences that are asked for; if all are, says what the benchmark lacks."""
    from cfkd_core.datasets.readers import load_benchmark, shortfall

    sequences = load_benchmark(benchmark, root)
    lacking = "" if names else shortfall(benchmark, sequences, root)
    if lacking:
        print(lacking, file=sys.stderr)
    return _pick(sequences, names)


def _load_annotated(benchmark: str, root: Path | None, names: str) -> list:
    """As `_load`; says where most frames of a video of one's own have no box to score with."""
    from cfkd_core.datasets.readers.own import sparse_annotations

    sequences = _load(benchmark, root, names)
    for line in sparse_annotations(sequences) if benchmark == "own" else ():
        print(line, file=sys.stderr)
    return sequences


def train(
    names: Positional[str],
    data: list[str] | None = None,
    out: Path = Path("runs"),
    recipe: Literal["mini", "paper"] = "mini",
    smoke: bool = False,
    length: Factor = 1.0,
    dry_run: bool = False,
    seed: Seed = 0,
    start: str = "",
    teacher: Path | None = None,
    backbones: list[str] | None = None,
    in_memory: bool = False,
    accelerator: Literal["auto", "cpu", "cuda"] = "auto",
    devices: Count = 1,
    nodes: Count = 1,
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto",
    workers: Amount = 0,
    save_every: Count = 100,
    validate_every: Count = 1000,
    profile: bool = False,
) -> int:
    """Train experiments of the thesis; several are trained in lockstep, on the same pairs.

    A run that was stopped goes on where it was when the same command is given again. On several
    machines: `torchrun ... -m cfkd_core train ...`, --nodes and --devices as torchrun has them.

    For example,

      cfkd train cfkd --smoke --out runs/smoke
      cfkd train matom --data videos/ --start matom --length 0.1 --out runs/mine
      cfkd train cfkd,wang,liu --data GOT10K@2 COCO --recipe paper

    Args:
        names: experiments, separated by commas; --dry-run with an unknown one lists them all.
        data: folders to train on, each DIR[:origin=0][@WEIGHT], or synthetic[:COUNT][@WEIGHT];
            synthetic films alone if none is given.
        out: folder for weights, cards, logs and the snapshot that a stopped run goes on from.
        recipe: mini is what a laptop can do, paper what the thesis did.
        smoke: shrink everything to seconds.
        length: times as many steps as the recipe has.
        dry_run: print what would be trained, and stop.
        seed: of weights, pairs and jitter.
        start: go on from these weights (fine-tuning): a file, or the name of one that ships;
            without it, from where the experiment's definition says.
        teacher: weights of the teacher; else those that ship.
        backbones: ImageNet weights in files, each NAME=FILE; else torchvision's own are fetched.
        in_memory: keep all images in the device's memory and cut patches there.
        accelerator: where to train; auto takes a GPU where there is one.
        devices: processes on each machine, one a GPU.
        nodes: machines.
        precision: of the networks; auto takes bfloat16 where the processor has it.
        workers: processes that read images.
        save_every: steps between snapshots.
        validate_every: steps between validations.
        profile: train for ten steps, print where their time goes, and stop.
    """
    from cfkd_core.datasets.sources import parse_source
    from cfkd_core.experiments import run as running
    from cfkd_core.experiments.devices import check_devices
    from cfkd_core.experiments.recipes import resolve_together
    from cfkd_core.experiments.run import RunOptions, describe, launch, parse_backbones
    from cfkd_core.tracking.load import find_weights

    experiments = resolve_together(names.split(","), recipe, smoke=smoke, length=length)
    if dry_run:
        print("\n".join(describe(each) for each in experiments))
        return 0
    check_devices(accelerator, devices)
    options = RunOptions(
        seed=seed,
        files=parse_backbones(backbones or []),
        start=find_weights(start) if start else None,
        teacher=teacher,
        workers=workers,
        save_every=save_every,
        validate_every=validate_every,
        in_memory=in_memory,
    )
    sources = [parse_source(spec) for spec in data or ["synthetic:20" if smoke else "synthetic"]]
    refuse_overwriting(
        [out / f"{each.name}.safetensors" for each in experiments],
        [options.start, teacher, *options.files.values()],
    )
    fabric = launch(accelerator, devices, nodes, precision)
    if profile:
        seconds = running.profile(experiments, sources, fabric, options)
        for part, each in seconds.items():
            print(f"{part:10} {1e3 * each:7.2f} ms a pair {each / sum(seconds.values()):6.1%}")
        return 0
    written = running.run(experiments, sources, out, fabric, options, recipe)
    for path in written:
        print(f"wrote {path}")
    if not written and fabric.is_global_zero:
        print(f"{out}: this training has ended before; nothing was left to do")
    return 0


def measure(
    folder: Positional[Path],
    data: list[str],
    output: Path = Path("results/training"),
    teacher: str = "atom",
    backbones: list[str] | None = None,
    seeds: str = "0,1,2",
) -> int:
    """Track with every checkpoint of a trained student, and measure its features and its head.

    What was measured before is kept: the command may be stopped, and given again as training goes
    on.

    For example,

      cfkd measure runs/table/cfkd --data otb-dev=DIR uav-dev=DIR --output data/results/training

    Args:
        folder: the student's, in train's --out.
        data: videos in OTB's layout that nothing was trained on, each NAME=DIR.
        output: folder for ROW_seedN.json, and the boxes beside it.
        teacher: a file, or the name of one that ships.
        backbones: ImageNet weights in files, each NAME=FILE; else torchvision's own are fetched.
        seeds: of the tracker, separated by commas.
    """
    from cfkd_core.datasets.pairs import Source
    from cfkd_core.datasets.readers import load_benchmark
    from cfkd_core.experiments.evaluation import Bench, evaluate_run
    from cfkd_core.experiments.measures import held_out_pairs
    from cfkd_core.experiments.run import parse_backbones
    from cfkd_core.models import weights
    from cfkd_core.models.backbones import imagenet_backbone
    from cfkd_core.tracking.load import find_weights

    sequences = {}
    for spec in data:
        name, _, place = spec.partition("=")
        if not place:
            raise InputError(f"data {spec}: expected NAME=DIR, such as otb-dev=videos")
        sequences[name] = load_benchmark("otb", Path(place))
    sources = [Source(name, every, float(len(every))) for name, every in sequences.items()]
    bench = Bench(
        sequences=sequences,
        pairs=held_out_pairs(sources),
        teacher=weights.load_any(find_weights(teacher)),
        start=imagenet_backbone(
            "mobilenet_v2", parse_backbones(backbones or []).get("mobilenet_v2")
        ),
        seeds=tuple(map(int, seeds.split(","))),
    )
    print(f"wrote {evaluate_run(folder, bench, output)}")
    return 0


def export(
    tracker: Positional[str],
    output: Path,
    weights: Path | None = None,
    int8: bool = False,
    data: list[str] | None = None,
) -> int:
    """Write a tracker's network as ONNX graphs, with a file that says how to use them.

    For example,

      cfkd export matom --output graphs
      cfkd export classifier --output graphs --int8 --data videos

    Args:
        tracker: classifier, matom, atom, mdrnet, drnet, or trained weights that ship.
        output: folder for the graphs and metadata.json.
        weights: other weights: a file of this project or of PyTracking.
        int8: write search_int8.onnx, too: what is asked once a frame, in whole numbers.
        data: folders whose videos show what int8 must be able to express, as for `train`;
            synthetic films if none is given.
    """
    from cfkd_core.datasets.sources import parse_source
    from cfkd_core.tracking.export import FILES
    from cfkd_core.tracking.export import export as write
    from cfkd_core.tracking.load import load_tracker

    refuse_overwriting([output / name for name in FILES], [weights])
    sources = [parse_source(spec) for spec in data or ["synthetic:20"]] if int8 else None
    for path in write(load_tracker(tracker, weights=weights, runtime="torch"), output, sources):
        print(f"wrote {path}")
    return 0


def bench(
    trackers: str = "",
    size: Annotated[str, arg(metavar="WxH")] = "320x240",
    frames: Count = 100,
    threads: Count = 1,
    memory: bool = True,
    repeats: Count = 1,
    json: Path | None = None,
) -> int:
    """Time trackers side by side, frame by frame in turn, on one synthetic film.

    For example,

      cfkd bench
      cfkd bench --trackers matom,matom:plain,csrt --size 640x480 --json times.json

    Args:
        trackers: names, separated by commas, each with :torch, :onnxruntime, :int8 or :plain (the
            slow reference) behind it to run a network that way; ours, our teacher and OpenCV's if
            empty.
        size: of the frames, px.
        frames: that each tracker gets, the first included.
        threads: of torch, OpenCV and ONNX Runtime.
        memory: also run each tracker in a process of its own, to see what it needs.
        repeats: of the race; each time is its median over them, which leaves out most of what other
            programs do to it.
        json: write every frame's time to this file.
    """
    from cfkd_core.benchmarks import bench as timing
    from cfkd_core.benchmarks import contenders, report

    names = trackers.split(",") if trackers else timing.DEFAULT
    outcome = timing.run(
        [contenders.parse(name) for name in names],
        size=timing.parse_size(size),
        length=frames,
        threads=threads,
        memory=memory,
        repeats=repeats,
    )
    for name, reason in outcome.absent.items():
        print(f"left out {name}: {reason}", file=sys.stderr)
    print(report.markdown(outcome.table(), decimals=2))
    print(outcome.conditions())
    if json is not None:
        outcome.save_json(json)
        print(f"wrote {json}")
    return 0


def cost(name: Positional[str], size: PatchSide = 288) -> int:
    """Count what a network costs, module by module: parameters, MB, multiplications.

    Multiplications are printed three ways, in millions: as they are computed (MACs), and by the
    thesis's equation 4.5, with the size of the input map as printed, and of the output map.

    For example,

      cfkd cost matom

    Args:
        name: atom, matom, atom_m, atom_s, atom_t, drnet, mdrnet, or a backbone such as resnet18.
        size: side of the patches, px.
    """
    from cfkd_core.benchmarks import cost as costs
    from cfkd_core.benchmarks import report
    from cfkd_core.models.atom import ARCHITECTURES, AtomNet, build_atom
    from cfkd_core.models.backbones import BACKBONES, build_backbone

    if name not in (*ARCHITECTURES, *BACKBONES):
        raise InputError(f"network {name}: choose one of {', '.join((*ARCHITECTURES, *BACKBONES))}")
    net = build_atom(name) if name in ARCHITECTURES else AtomNet(build_backbone(name), None)
    print(report.markdown(costs.by_module(net, size), index="module", decimals=2))
    return 0


def doctor(json: bool = False) -> int:
    """Check the installation and say what to do about what is wrong; exit code 1 if anything is.

    Looks at Python, the disk, torch and torchvision, OpenCV, the notebooks' kernel, data sets,
    weights (by SHA-256) and the graphics card.

    For example,

      cfkd doctor
      cfkd doctor --json

    Args:
        json: print a JSON list, for programs.
    """
    from cfkd_core import doctor as checks

    diagnoses = checks.examine()
    print(checks.as_json(diagnoses) if json else checks.report(diagnoses))
    return 1 if any(each.state == "wrong" for each in diagnoses) else 0


def _pick(sequences: list, names: str) -> list:
    if not names:
        return sequences
    by_name = {sequence.name: sequence for sequence in sequences}
    for name in names.split(","):
        if name not in by_name:
            raise InputError(f"sequence {name}: not one of {', '.join(by_name)}")
    return [by_name[name] for name in names.split(",")]


COMMANDS: dict[str, Callable[..., int]] = {
    "track": track,
    "film": film,
    "run": run,
    "score": score,
    "compare": compare,
    "table": table,
    "submit": submit,
    "train": train,
    "measure": measure,
    "export": export,
    "bench": bench,
    "cost": cost,
    "doctor": doctor,
}


def _print_anything() -> None:
    """Escape what a terminal's encoding lacks, such as the marks in --help, instead of stopping."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as one line, without the place in the source."""
    print(f"warning: {message}", file=sys.stderr)


def main(args: list[str] | None = None) -> int:
    """Runs one command; a mistake in the input is one line and exit code 2."""
    _print_anything()
    commands = {name: checked(command) for name, command in COMMANDS.items()}
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say
            return tyro.extras.subcommand_cli_from_dict(commands, prog="cfkd", args=args)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        # a path, a disk or a network that does not do what it should is outside input, too
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
