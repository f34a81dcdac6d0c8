"""Resampling, paired counts and shares: what every score and its interval is computed with."""
