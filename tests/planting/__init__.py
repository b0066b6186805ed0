"""Planted secrets: numbers, names, facts and keys that are easily recognised, and a search for them in everything kept.

:mod:`planting.what` makes them, and knows the spellings in which each may come out again. :mod:`planting.search` reads
files and databases whole, undoes what hides a value from a plain search, and says where what is found.
"""
