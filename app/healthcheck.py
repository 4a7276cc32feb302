"""Exit with 0 if the app in this container answers `/healthz` with 200 within 2 seconds, otherwise 1."""

import http.client  # urllib would obey http_proxy
import os
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "5000")), timeout=2)
try:
    connection.request("GET", "/healthz")
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    sys.exit(f"/healthz does not answer: {error!r}")
if status != http.client.OK:
    sys.exit(f"/healthz answers {status}")
