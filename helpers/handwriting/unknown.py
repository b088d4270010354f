"""What is no character: how far an image's features are from all that a network was trained on."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Known:
    """What the features of characters are like: a mean for each class, and how they scatter.

    Features are what a network's last layer but one says of an image. The score of an image is its
    squared distance from the nearest class, less that from all images together, each in units of
    the scatter there (relative Mahalanobis distance): high where an image is like no class, though
    it has ink as all images have.

    Attributes:
        means: float (classes, d).
        scatter: float (d, d), turns features so that their scatter within classes is 1.
        mean: float (d,), of all images.
        whole: float (d, d), likewise for the scatter of all images.

    Source: Ren et al. (2021), arXiv:2106.09022. Taught in notebook 21.
    """

    means: np.ndarray
    scatter: np.ndarray
    mean: np.ndarray
    whole: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, labels: np.ndarray) -> "Known":
        """Learn from training images.

        Args:
            features: float (n, d).
            labels: integer (n,), their classes.

        Raises:
            ValueError: not as many features as labels, or a single image.
        """
        features, labels = np.asarray(features, float), np.asarray(labels)
        if features.ndim != 2 or labels.shape != features.shape[:1] or len(labels) < 2:
            raise ValueError(
                f"Expected features (n, d) and n labels of at least 2 images, found "
                f"{features.shape} and {labels.shape}. Pass both of the same images."
            )
        names, places = np.unique(labels, return_inverse=True)
        means = np.stack([features[labels == name].mean(axis=0) for name in names])
        mean = features.mean(axis=0)
        return cls(means, _whitener(features - means[places]), mean, _whitener(features - mean))

    def score(self, features: np.ndarray) -> np.ndarray:
        """How unlike characters images are.

        Args:
            features: float (n, d).

        Returns:
            float (n,); the higher, the less it is a character.
        """
        features = np.asarray(features, float)
        turned, means = features @ self.scatter, self.means @ self.scatter
        squares = (turned**2).sum(axis=1)[:, None] - 2 * turned @ means.T + (means**2).sum(axis=1)
        return squares.min(axis=1) - (((features - self.mean) @ self.whole) ** 2).sum(axis=1)

    def limit(self, features: np.ndarray, lost: float = 0.05) -> float:
        """The score above which images are refused.

        Args:
            features: float (n, d), of characters from where yours come from, not used in `of`.
            lost: share of them that may be refused, 0 … 1.

        Returns:
            The score that this share of them is above.
        """
        return float(np.quantile(self.score(features), 1 - lost))


def _whitener(off: np.ndarray) -> np.ndarray:
    """What turns offsets so that their scatter is 1 in all directions; a thousandth is added."""
    scatter = off.T @ off / len(off)
    scatter += 1e-3 * (np.trace(scatter) / len(scatter) + 1e-12) * np.eye(len(scatter))
    return np.linalg.cholesky(np.linalg.inv(scatter))
