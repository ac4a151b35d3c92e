"""What a call shows of its causes, by what they have to do with; ``table`` lists every one."""
