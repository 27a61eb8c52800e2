"""The vendors' own surfaces: the names, parameters, defaults and return shapes of their documentation.

Thin: each speaks through the same sources as the verbs. A call here acts at once, since its caller named the verb.
"""
