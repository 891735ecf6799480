"""A real notebook of pandas and scikit-learn from its first cell to its last: budget 1 %."""

from __future__ import annotations

from . import report
from .twins import Twins, alternate

CELLS = (
    """
import joblib
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
""",
    """
digits = load_digits(as_frame=True)
frame = pd.concat([digits.frame] * 8, ignore_index=True)
frame["row"] = np.arange(len(frame))
frame.to_csv("digits.csv", index=False)
frame.shape
""",
    """
raw = pd.read_csv("digits.csv")
raw.describe()
""",
    """
means = raw.groupby("target").agg(["mean", "std", "median"])
means.iloc[:, :6]
""",
    """
raw.drop(columns="row").drop_duplicates().to_parquet("digits.parquet")
clean = pd.read_parquet("digits.parquet")
train_x, test_x, train_y, test_y = train_test_split(
    clean.drop(columns="target"), clean["target"], test_size=0.3, random_state=7
)
train_x.head()
""",
    """
forest = RandomForestClassifier(n_estimators=150, random_state=7).fit(train_x, train_y)
print(f"forest: {forest.score(test_x, test_y):.3f}")
""",
    """
linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
scores = cross_val_score(linear, train_x, train_y, cv=5)
scores.mean()
""",
    """
search = GridSearchCV(SVC(), {"C": [0.1, 1, 10], "gamma": ["scale", 0.001]}, cv=4)
search.fit(train_x, train_y)
pd.DataFrame(search.cv_results_)[["params", "mean_test_score"]]
""",
    """
fig, axis = plt.subplots()
axis.imshow(confusion_matrix(test_y, search.predict(test_x)))
fig.savefig("confusion.png", dpi=120)
plt.close(fig)
""",
    """
joblib.dump(search.best_estimator_, "model.joblib")
{"best": search.best_params_, "score": round(search.score(test_x, test_y), 3)}
""",
)


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Run the notebook in fresh kernels in alternation; the kernel's start is not counted."""

    def whole(side: str) -> float:
        kernel = twins.start(side)
        seconds = sum(kernel.run(cell) for cell in CELLS)
        kernel.stop()
        return seconds

    sides = alternate(whole, rounds)
    return [report.compare("real notebook", sides, unit="s", most_ratio=1.01)]
