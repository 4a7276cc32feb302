"""The failure doctor: from what a failed container leaves behind to one named cause and the next command."""

from lading.diagnosis.causes import diagnose
from lading.diagnosis.evidence import Cause, Evidence, Page, Sources
from lading.diagnosis.failure import explained
from lading.diagnosis.gathering import gather
from lading.diagnosis.timeline import told

__all__ = ["Cause", "Evidence", "Page", "Sources", "diagnose", "explained", "gather", "told"]
