"""The REST handlers, one module a subject; :mod:`.base` has what they share."""
