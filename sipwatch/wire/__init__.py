"""Frame to message: link layers, IP, transports, framing, the SIP parser. Knows nothing of calls."""
