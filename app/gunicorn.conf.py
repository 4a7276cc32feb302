"""How gunicorn serves the app; it reads this file from the directory that it starts in."""

import os
import re

_port = os.environ.get("PORT", "5000")
if not re.fullmatch("[0-9]{1,5}", _port) or not 1 <= int(_port) <= 65535:  # noqa: PLR2004 - the last port
    raise SystemExit(f"PORT is {_port!r}, not a port: set it to a number from 1 to 65535")

bind = f"0.0.0.0:{_port}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
# In memory, and writable on a read-only root: a heartbeat file on a slow disk can stall a worker.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - gunicorn unlinks its file as soon as it is open
# Its socket would need a writable home, and nobody asks it.
control_socket_disable = True
# Seconds. Answers take milliseconds, so what is still open after one is an idle connection.
graceful_timeout = 1
# Seconds, no more than graceful_timeout: a visitor's idle connection then ends by itself when gunicorn stops.
keepalive = 1
accesslog = "-"
