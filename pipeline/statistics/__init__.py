"""Resampling, paired counts and shares, who is right among many: what numbers are computed with."""
