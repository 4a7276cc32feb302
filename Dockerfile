# The pipeline itself as an image, for CI runners that have a Docker engine and nothing else.
#
#   docker build -t seatrial .
#   docker run --rm --network host -v /var/run/docker.sock:/var/run/docker.sock -v "$PWD:/work" \
#       seatrial build smoke --version 1
#
# --network host: the smoke checks ask the app on the host's 127.0.0.1. For tag, push and release add
# -v "$HOME/.docker:/root/.docker", where Docker keeps its credentials. There is no git in here, so the
# version is always given; docker build --build-arg PACKAGES=git adds it, and --build-arg BROWSER=yes adds
# Chromium for smoke --browser. Whoever may use the engine's socket is root on the host, so a user of its own
# would protect nothing; to own the files in /work, add
#   --user "$(id -u):$(id -g)" --group-add "$(stat -c %g /var/run/docker.sock)" -e HOME=/tmp
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY requirements.txt requirements-browser.txt ./
ARG BROWSER=""
# The base's pip installs into a .venv that has none. It compiles as it installs: Python processes here
# live for a second, and Invoke writes no .pyc files itself.
RUN python3 -m venv --without-pip /opt/venv \
    && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes -r requirements.txt ${BROWSER:+-r requirements-browser.txt}
COPY pyproject.toml README.md LICENSE ./
COPY seatrial/ seatrial/
# The build backend comes from the lock as well, and leaves when its work is done.
RUN python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation . \
    && python3 -m pip --python /opt/venv/bin/python uninstall --yes --quiet flit_core

FROM ${BASE_IMAGE}
ARG BROWSER="" PACKAGES=""
RUN if [ -n "${BROWSER}${PACKAGES}" ]; then apt-get -q update \
        && apt-get -qy install --no-install-recommends ${BROWSER:+chromium} ${PACKAGES} \
        && rm -rf /var/lib/apt/lists/*; fi
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /work
ENTRYPOINT ["seatrial"]
