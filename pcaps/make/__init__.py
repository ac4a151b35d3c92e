"""Makes the synthetic captures: conversations written as text, turned into packets."""
