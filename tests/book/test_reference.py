"""The page of public names, from a small package and from ours."""

import re
import textwrap
from pathlib import Path

import reference

ROOT = Path(__file__).parents[2]

SOURCE = '''
"""Things with a weight."""

from dataclasses import dataclass

SHOWN = 1


def weigh(thing: "Thing", *, exact: bool = True) -> float:
    r"""The weight of a thing.

    .. math:: w = m g

    .. math::
        a &= b \\\\
          &= c

    Args:
        thing: to be weighed,
            whole.
        exact: or :math:`\\pm 1`.

    Returns:
        Newtons.

    Raises:
        ValueError: if it floats.

    Source: Newton.
    """


def _hidden():
    """Nothing."""


@dataclass
class Thing:
    """Something heavy."""

    mass: float
    _cache: int = 0

    @property
    def heavy(self) -> bool:
        """Whether it is."""

    def lift(self, height: float) -> None:
        """Puts it up."""
'''

EXPECTED = r"""
````{py:function} weigh(thing: 'Thing', *, exact: bool=True) -> float
The weight of a thing.

$$
w = m g
$$

$$
\begin{aligned}
a &= b \\
&= c
\end{aligned}
$$

**Args**

- `thing`: to be weighed,
  whole.
- `exact`: or $\pm 1$.

**Returns**

Newtons.

**Raises**

- `ValueError`: if it floats.

**Source** Newton.
````

````{py:class} Thing(mass: float)
Something heavy.

```{py:property} heavy
Whether it is.
```

```{py:method} lift(height: float) -> None
Puts it up.
```
````
"""


def test_a_small_package(tmp_path):
    package = tmp_path / "cfkd_core"
    (package / "losses").mkdir(parents=True)
    (package / "losses" / "weight.py").write_text(SOURCE)
    (package / "losses" / "_own.py").write_text("def shown_not():\n    pass\n")
    (package / "paths.py").write_text('"""Places."""\n')

    text = reference.page(tmp_path)

    assert textwrap.dedent(EXPECTED).strip() in text
    assert "### `cfkd_core.losses.weight`" in text
    assert "shown_not" not in text
    assert "_hidden" not in text
    # layers from the bottom
    assert text.index("## paths") < text.index("## losses")


def test_every_layer_of_ours_has_its_place():
    names = {module.package for module in reference.modules(ROOT / "cfkd_core")}
    assert names <= set(reference.ORDER)
    assert len(names) == len(set(reference.ORDER))


def test_every_public_name_says_what_it_is():
    for module in reference.modules(ROOT / "cfkd_core"):
        for found in reference.public(module.tree.body):
            assert found.body[0].value.value, f"{module.name}.{found.name} has no docstring"


def test_formulas_and_sections_leave_no_trace_of_their_markup():
    text = reference.page(ROOT)
    assert ".. math::" not in text
    assert not re.search(r"^(Args|Returns|Raises):", text, re.MULTILINE)
