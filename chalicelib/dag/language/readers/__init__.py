"""Readers: from the text of a field to its value, one for each kind of field.

by_kind        from nodes to values
numbers        readers of booleans, numbers and durations
open_mappings  readers of mappings whose keys are the author's own, and of values of JSON
"""
