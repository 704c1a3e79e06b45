"""Every metric Earshot knows, one file of data each; a new one is a file and a line here."""

from surveys.domain.metrics.ces import CES
from surveys.domain.metrics.csat import CSAT
from surveys.domain.metrics.enps import ENPS
from surveys.domain.metrics.metric import Metric
from surveys.domain.metrics.nps import NPS
from surveys.domain.metrics.pmf import PMF
from surveys.domain.metrics.smileys import SMILEYS
from surveys.domain.metrics.stars import STARS
from surveys.domain.metrics.thumbs import THUMBS

METRICS: dict[str, Metric] = {
    metric.key: metric for metric in (NPS, CSAT, CES, THUMBS, STARS, SMILEYS, PMF, ENPS)
}
