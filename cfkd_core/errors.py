"""The one exception that is the user's to mend."""


class InputError(ValueError):
    """Something given from outside cannot be used; the message names the value and the remedy.

    Commands print the message as one line and end with exit code 2, never with a traceback.
    """
