"""Put each article on the train, dev or test side, so that no story is on two of them."""

from pipeline.split.articles import Split, split_articles
from pipeline.split.wishes import grouped_by

__all__ = ["Split", "grouped_by", "split_articles"]
