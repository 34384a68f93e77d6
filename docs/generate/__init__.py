"""Makes the documentation site's sources: what people wrote, and pages made from the program itself.

A written page says `<!-- made: NAME -->` on a line of its own where a part is made; whole pages are
made by `pages` of a module here. Nothing that the program says of itself is copied by hand.
"""
