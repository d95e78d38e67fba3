"""What callers may see: data first, compiled into every read."""
