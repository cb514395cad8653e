"""The one exception that is the user's to mend."""

LONGEST = 4000
"""Letters of a message; a value that was given may have more than a screen shows."""


class InputError(ValueError):
    """Something given from outside cannot be used; the message names the value and the remedy.

    Commands print the message as one line and end with exit code 2, never with a traceback. What
    cannot be printed is escaped, and the middle of a long one is left out.
    """

    def __init__(self, message: str) -> None:
        line = "".join(each if each.isprintable() else repr(each)[1:-1] for each in message)
        if len(line) > LONGEST:
            line = f"{line[: LONGEST // 2]} … {line[-LONGEST // 3 :]}"
        super().__init__(line)
