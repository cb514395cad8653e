import pickle

from cfkd_core.errors import LONGEST, InputError


def test_a_message_is_one_line_whatever_was_given():
    error = InputError("film\n\x1b[31m\udcff.mp4: no such video, é 猫")
    assert str(error) == "film\\n\\x1b[31m\\udcff.mp4: no such video, é 猫"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_long_value_keeps_what_it_begins_with_and_the_remedy():
    shown = str(InputError("box " + "9" * 5000 + ": every number must be finite"))
    assert len(shown) < LONGEST
    assert shown.startswith("box 999")
    assert shown.endswith(": every number must be finite")
