"""What the thesis claims, and what this project finds of each claim: the scorecard."""
