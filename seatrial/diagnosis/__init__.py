"""The failure doctor: from what a failed container leaves behind to one named cause and the next command."""

from seatrial.diagnosis.causes import diagnose
from seatrial.diagnosis.evidence import Cause, Evidence, Page, Sources
from seatrial.diagnosis.failure import explained
from seatrial.diagnosis.gathering import gather
from seatrial.diagnosis.timeline import told

__all__ = ["Cause", "Evidence", "Page", "Sources", "diagnose", "explained", "gather", "told"]
