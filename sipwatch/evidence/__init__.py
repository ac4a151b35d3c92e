"""What a supplier asks for: examples of calls with their facts, and the packets of each. Knows no clock."""
