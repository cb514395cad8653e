"""Damaged and hostile input for every parser: `python -m tests.fuzz --target rows --count 10000`.

An input is a seed of the corpus, changed a few times; `--seed` and its number make it again. A
parser must give a sound value or raise `InputError`. Anything else, more than some seconds, a
program that is started, a connection, or a file that is touched outside the input's folder is a
finding, and the command's exit code is then 1.
"""
