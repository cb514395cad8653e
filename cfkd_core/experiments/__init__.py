"""Every row of the thesis's tables, and the way from its name to its weights."""
