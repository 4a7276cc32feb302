"""Settings of gunicorn, which reads this file from the directory it starts in."""

import os
import re

_port = os.environ.get("PORT", "5000")
if not re.fullmatch("[0-9]{1,5}", _port) or not 1 <= int(_port) <= 65535:  # noqa: PLR2004 - the last port
    raise SystemExit(f"PORT={_port!r} is not a valid port: set it to a number from 1 to 65535")

bind = f"0.0.0.0:{_port}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
# In memory, and writable on a read-only root: a heartbeat file on a slow disk can stall a worker.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - gunicorn unlinks its file as soon as it is open
# The control socket would need a writable home directory, and nothing uses it.
control_socket_disable = True
# Seconds. Answers take milliseconds, so a connection that is still open after one second is idle.
graceful_timeout = 1
# Seconds, at most graceful_timeout: idle connections then close by themselves when gunicorn stops.
keepalive = 1
accesslog = "-"
