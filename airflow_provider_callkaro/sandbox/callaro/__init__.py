"""The stand-in for Callaro. Begin with `vendor`, then `campaigns` (one campaign) and `dialling` (all, and the dialler).

`reading` checks bodies and queries, `reports` has the figures, lists and exports.
"""
