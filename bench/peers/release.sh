#!/bin/sh
# The shell script that a release is compared with: build, run, curl until it answers, rm, tag, push.
#
#   DOCKER=docker release.sh CONTEXT BASE_IMAGE IMAGE REPOSITORY VERSION LABEL
set -eu
context=$1 base=$2 image=$3 repository=$4 version=$5 label=$6
export DOCKER_BUILDKIT=1

"$DOCKER" build --build-arg "BASE_IMAGE=$base" --build-arg "VERSION=$version" --label "$label" \
    --tag "$image:$version" "$context"

container=$("$DOCKER" run --detach --init --read-only --publish 127.0.0.1::5000 --label "$label" "$image:$version")
trap '"$DOCKER" rm --force "$container"' EXIT
address=$("$DOCKER" port "$container" 5000/tcp)
tries=0
until page=$(curl --silent --fail "http://$address/"); do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ]
    sleep 0.05
done
printf '%s\n' "$page" | grep -F "release $version by"
curl --silent --fail "http://$address/healthz" | grep -F "\"version\":\"$version\""
"$DOCKER" rm --force "$container"
trap - EXIT

for tag in "$version" latest; do
    "$DOCKER" tag "$image:$version" "$repository:$tag"
    "$DOCKER" push "$repository:$tag"
done
