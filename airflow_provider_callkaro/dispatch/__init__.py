"""Claim, send, settle: pacing, progress, the report."""
