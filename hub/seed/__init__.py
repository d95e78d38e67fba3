"""Worlds to look at and to measure with: a small one written by hand, and a synthetic one of any size.

Nothing in them is said of a real organisation but its name, its code and, labelled 示例, a licence or an honour.
"""

from hub.seed.synthetic import seed
from hub.seed.world import demo_world

__all__ = ["demo_world", "seed"]
