"""Events to meaning: outcomes, peers, reasons. Knows nothing of formats."""
