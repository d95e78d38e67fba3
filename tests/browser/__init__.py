"""A package, so that its tests have one browser and one demonstration for all of them."""
