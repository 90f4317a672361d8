"""What clients that exist speak: a protocol is a module here and a line in `server`."""
