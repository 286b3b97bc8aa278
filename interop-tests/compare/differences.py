"""Where a broker differs on purpose: scenario name -> the reason."""

DIFFERENCES = {}
