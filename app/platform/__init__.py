"""The control API: what the console and other tools read and change things through."""
