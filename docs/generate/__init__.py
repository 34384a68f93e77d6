"""Makes the sources of the documentation site: what people wrote, and what the program says.

A written page says `<!-- made: NAME -->` on a line of its own where a part is made; whole pages are
made by `pages` of a module here. Nothing that the program says of itself is copied by hand.
"""
