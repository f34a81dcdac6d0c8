"""Which texts are the same, or nearly: pair by pair, and as stories that stream by."""
