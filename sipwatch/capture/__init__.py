"""Where frames come from. Must not know: what is inside them."""
