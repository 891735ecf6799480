"""The demo's notebook, and where its data set comes from (scikit-learn ships it)."""
