# %% [markdown]
# # Scorecard: what the thesis claims, and what we find
#
# A thesis is a long list of statements. Some are arithmetic, some are about equations, some about
# how fast or how well something runs. This page takes them one by one
# {cite:p}`danier2020cfkd`. Each has a **check**, a small function in `cfkd_core/claims`, which looks
# at the thesis's tables, at the modules of this project or at its recorded runs and says what it
# finds. Everything below was decided when this page was built.

# %% tags=["parameters"]
profile = "smoke"

# %%
from collections import Counter

import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown
from myst_nb import glue

from cfkd_core.claims import claim
from cfkd_core.claims.finding import VERDICTS
from cfkd_core.figures import style, verdicts

style.use_style()
torch.set_num_threads(1)
claims = claim.read()
findings = {each.name: claim.decide(each) for each in claims}

# %% [markdown]
# ## Three verdicts
#
# - **Reproduced**: what the claim says comes out. A number must round to what is printed; "around"
#   is given a tolerance, which stands in `data/claims.yml` beside the claim; that one tracker is
#   better than another must show in the whole 95 % interval of the chapter on the ablation.
# - **Contradicted**: something else comes out, by the same rules. This may be a misprint, a slip, or a
#   number that means something else than its heading says. It is not a verdict on the method.
# - **Undecidable** here: what is at hand cannot tell. The table says what could.
#
# A claim "by the table" is only about the thesis's own numbers: that the text says what the table
# says. Such a claim can be reproduced without a single frame of video, and that is all it means.

# %% tags=["remove-output"]
totals = Counter(finding.verdict for finding in findings.values())
for verdict in VERDICTS:
    glue(verdict, totals[verdict], display=False)
glue("claims", len(claims), display=False)
parts = list(dict.fromkeys(each.part for each in claims))
counts = {
    part: Counter(findings[each.name].verdict for each in claims if each.part == part)
    for part in parts
}

# %% mystnb={"figure": {"name": "fig:scorecard", "caption": "Verdicts by part of the thesis."}} tags=["hide-input"]
verdicts.verdict_bars(counts)
plt.show()

# %% [markdown]
# Of {glue:text}`claims` claims {glue:text}`reproduced` are reproduced, {glue:text}`contradicted`
# contradicted and {glue:text}`undecidable` undecidable here. Read the undecidable ones with care: most
# are the heart of the matter, whether one way of training is better than another, and our networks
# are trained for minutes and run on few videos. The same care goes to a contradicted claim that rests
# on points of success: it speaks of these networks.


# %% tags=["remove-output"]
def table(part):
    """A row a claim: what it says and where, the verdict, and what that rests on."""
    lines = ["| claim | verdict | why |", "|:--|:--|:--|"]
    for each in claims:
        if each.part == part:
            finding = findings[each.name]
            why = finding.evidence
            if finding.verdict == "undecidable":
                why += f". Needs {each.needs}"
            said = f"{each.says} *({each.place})*"
            lines.append(f"| {said} | {finding.verdict} | {why} |")
    return Markdown("\n".join(lines))


for part in parts:
    glue(part.replace(" ", "_").replace("-", "_"), table(part), display=False)

# %% [markdown]
# ## Background and method
#
# ````{table} Chapters 1 to 3.
# :name: tab:scorecard-method
# ```{glue:md} method
# :format: myst
# ```
# ````
#
# ## Set-up
#
# ````{table} Section 4.1: training and evaluation.
# :name: tab:scorecard-setup
# ```{glue:md} set_up
# :format: myst
# ```
# ````
#
# ## Compression
#
# ````{table} Section 4.2.1 and Table 4.1.
# :name: tab:scorecard-compression
# ```{glue:md} compression
# :format: myst
# ```
# ````
#
# ## Loss functions
#
# ````{table} Section 4.2.2 and Table 4.2.
# :name: tab:scorecard-losses
# ```{glue:md} loss_functions
# :format: myst
# ```
# ````
#
# ## Backbones
#
# ````{table} Section 4.2.3 and Table 4.3.
# :name: tab:scorecard-backbones
# ```{glue:md} backbones
# :format: myst
# ```
# ````
#
# ## Rivals
#
# ````{table} Section 4.3 and Table 4.4.
# :name: tab:scorecard-rivals
# ```{glue:md} rivals
# :format: myst
# ```
# ````
#
# ## DRNet
#
# ````{table} Section 4.4 and Table 4.5.
# :name: tab:scorecard-drnet
# ```{glue:md} DRNet
# :format: myst
# ```
# ````
#
# ## Benchmarks and conclusion
#
# ````{table} Section 4.5, Tables 4.6 to 4.8, and chapter 5.
# :name: tab:scorecard-benchmarks
# ```{glue:md} benchmarks
# :format: myst
# ```
# ````
#
# ## How a verdict can change
#
# The verdicts are also written down in `data/claims.yml`. When a check says something else, because
# a network was trained anew or more videos were run, a test fails until somebody has looked and
# written the new verdict down with `python -m cfkd_core.claims --record`.

# %% tags=["remove-cell"]
changed = [each.name for each in claims if findings[each.name].verdict != each.verdict]
glue("changed", ", ".join(changed) or "none", display=False)

# %% [markdown]
# Verdicts that differ from the recorded ones, when this page was built: {glue:text}`changed`.
#
# ## Exercises
#
# **1.** Take a claim that is contradicted and say what its author probably meant.
#
# ```{admonition} Solution
# :class: dropdown
# The sizes: what was meant is the file on the disk, and for that the numbers are right. The increase
# of 200 %: twice as fast, which is 100 % more. Both say something true in the wrong unit.
# ```
#
# **2.** Write a claim of your own and a check for it. Which of the three verdicts can it give?
#
# ```{admonition} Solution
# :class: dropdown
# A function that returns `decided(...)` can never say "undecidable". If it looks at runs, ask what it
# should say when they are missing, or too few.
# ```
