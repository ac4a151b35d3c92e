"""The figures by HTTP. Knows nothing of packets or calls: what it serves is handed in as callables."""
