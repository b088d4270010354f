"""The figures of results under short names; `studies` and `pages` hold the others."""

from helpers.plots.results import architecture as architecture
from helpers.plots.results import calibration_curve as calibration_curve
from helpers.plots.results import class_counts as class_counts
from helpers.plots.results import confused_examples as confused_examples
from helpers.plots.results import confusion_heatmap as confusion_heatmap
from helpers.plots.results import fold_curves as fold_curves
from helpers.plots.results import image_grid as image_grid
from helpers.plots.results import intervals as intervals
from helpers.plots.results import learning_curves as learning_curves
from helpers.plots.results import maps as maps
from helpers.plots.results import precision_recall_curves as precision_recall_curves
from helpers.plots.results import roc_curves as roc_curves
from helpers.plots.results import score_box as score_box
