"""One module or package a platform: what to ask and what the reply means. No provider does any I/O."""
