"""A Dockerfile is read before the build as the engine reads it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.sources.dockerfile import (
    DockerfileError,
    base_images,
    final_base,
    own_labels,
    own_user,
)
from seatrial.sources.dockerfile_lines import syntax_directive, without_syntax_directive
from seatrial.sources.dockerfile_ports import exposed_ports
from seatrial.sources.step_names import line_text, step_line


@pytest.mark.parametrize(
    ("text", "images"),
    [
        *(("FROM python:3.13-slim", ("python:3.13-slim",)), ("from python\n", ("python",))),
        ("\ufeffFROM python\r\nRUN x\r\n", ("python",)),
        ("# FROM no\n\n   FROM\tpython  AS\tapp ", ("python",)),
        *(("FROM --platform=$BUILDPLATFORM python", ("python",)), ("FROM scratch", ())),
        ("FROM r.example:5000/a/b:1@sha256:abc", ("r.example:5000/a/b:1@sha256:abc",)),
        # continuations
        *(("FROM \\\n  python", ("python",)), ("FROM \\  \n\n # note\npython \\\n AS x", ("python",))),
        ("FROM python\nRUN echo \\\\\nFROM other\n", ("other",)),
        ("# escape=`\nFROM `\npython\nRUN dir C:\\\nFROM other", ("other",)),
        ("# note\n# escape=`\nFROM \\\npython", ("python",)),
        # variables
        ("ARG V=3.13\nFROM python:${V}-slim", ("python:3.13-slim",)),
        *(("ARG V=\nFROM python:${V:-3.12}", ("python:3.12",)), ("ARG V=\nFROM python${V-3.12}", ("python",))),
        *(("ARG V=1\nFROM python${V:+:alpine}", ("python:alpine",)), ("FROM python${V:+:alpine}", ("python",))),
        ("ARG A=x B=\"y z\" C='$A'\nFROM ${A}${C:+c}", ("xc",)),
        *(("ARG A=1\nARG B=py:$A\nFROM ${B:?no}", ("py:1",)), ("FROM ${X:-${Y:-deep}}", ("deep",))),
        ("ARG V=3.13.1\nFROM python:${V%.*}", ("python:3.13",)),
        ("ARG V=v3.13\nFROM python:${V#v}", ("python:3.13",)),
        ("ARG V=3_13_1\nFROM python:${V//_/.}", ("python:3.13.1",)),
        ("ARG V=3_13_1\nFROM python:${V/_/.}", ("python:3.13_1",)),
        # stages
        *(("FROM a AS one\nFROM b", ("b",)), ("FROM a AS One\nFROM oNE", ("a",))),
        *(("ARG S=one\nFROM a AS one\nFROM $S", ("a",)), ("FROM python AS python\nFROM python", ("python",))),
        ("FROM a AS one\nFROM b\nCOPY --chown=1:1 --from=ONE /x /y", ("a", "b")),
        ("FROM a\nFROM b\nCOPY --from=0 /x /y", ("a", "b")),
        ("FROM b\nCOPY --from=c:1 /x /y\nCOPY --from=scratch /x /y\nCOPY --from=c:1 /x /z", ("b", "c:1")),
        (
            "FROM b\nRUN --network=none --mount=type=bind,from=c,target=/m --mount=type=cache,target=/x cmd",
            ("b", "c"),
        ),
        ("FROM a AS one\nFROM b\nRUN --mount=From=one,target=/m cmd", ("a", "b")),
        *(("FROM b\nRUN echo --mount=from=c", ("b",)), ("FROM a AS one\nCOPY --from=lost /x /y\nFROM b", ("b",))),
        ("FROM b\nONBUILD COPY --from=c /x /y", ("b",)),
        # documents in the middle
        ("FROM b\nRUN <<EOF\nFROM no\nEOF\nCOPY --from=c x y", ("b", "c")),
        ("FROM b\nCOPY <<-'EOF' <<B /x/\nFROM no\n\tEOF\nFROM no\nB\nFROM d", ("d",)),
        ("FROM b\nRUN cat <<< EOF\nFROM c", ("c",)),
        ("FROM b\nRUN <<\t EOF cat\nFROM no\nEOF\nFROM d", ("d",)),
        ("FROM b\nRUN <<- \"E F\" 3<<'G'\nFROM no\n\tE F\nFROM no\nG\nFROM d", ("d",)),
        ("FROM b\nRUN <<E\\'F\r\nFROM no\r\nE'F\r\nFROM d", ("d",)),
        ("FROM b\nONBUILD RUN <<$EOF\nFROM no\n$EOF\nFROM d", ("d",)),
        ('FROM b\nRUN echo "<<EOF" \'<<EOF\' "\nFROM d', ("d",)),
        ('FROM b\nRUN ["<<EOF"]\nUSER <<EOF\nFROM d', ("d",)),
        # what BuildKit's own lexer makes of a word
        *(("ARG V=a/b/c\nFROM ${V//\\//-}", ("a-b-c",)), ("ARG V=a.b P=. R=_\nFROM ${V/$P/${R}x}", ("a_xb",))),
        *(("ARG V=xx**\nFROM ${V%%\\**}", ("xx",)), ("ARG V=a-b-c\nFROM ${V%-*}${V##*-}", ("a-bc",))),
        *(("FROM a$1b${2:-c}$@", ("abc",)), ("ARG V=1\nFROM a\\$V'$V'\"\\$V\"", ("a$V$V$V",))),
        ("FROM a AS one\nFROM b-$TARGETSTAGE-$TARGETOSVERSION AS Two", ("b-two-",)),
        # directives
        ("# note=1\n# escape=`\nFROM \\\npython", ("python",)),
        *(("#!/bin/x\n# escape=`\nFROM \\\npython", ("python",)), ("  # escape=`\nFROM `\npython", ("python",))),
    ],
)
def test_the_images_a_build_needs_are_named(text: str, images: tuple[str, ...]) -> None:
    """The names are those of the images the engine would need, without the file's own stages."""
    assert base_images(text, {}) == images


def test_build_args_fill_in_what_was_declared() -> None:
    """A build argument replaces the default of a global ARG; without an ARG it has no effect."""
    text = "ARG V=1\nFROM a:${V}${W}"
    assert base_images(text, {"V": "2", "W": "x"}) == ("a:2",)
    assert base_images(text, {"V": ""}) == ("a:",)


def test_only_what_the_target_needs_is_named() -> None:
    """Stages that the target does not need are left out; the target is a name in any case or a number."""
    text = "FROM a AS one\nFROM b AS two\nCOPY --from=one x y\nFROM c AS three\nFROM d\n"
    assert base_images(text, {}, "TWO") == ("a", "b")
    assert base_images(text, {}, "one") == ("a",)
    assert base_images(text, {}, "2") == ("c",)
    assert base_images(text, {}) == ("d",)


def test_the_engines_own_arguments_come_from_the_caller() -> None:
    """`TARGETARCH` needs no ARG, and is an error only if a FROM uses it and it is not given."""
    text = "ARG TOOL=tool-$TARGETARCH\nFROM a-${TARGETARCH:-x}"
    assert base_images(text, {"TARGETARCH": "arm64"}) == ("a-arm64",)
    with pytest.raises(DockerfileError, match="TARGETARCH") as caught:
        base_images(text, {})
    assert caught.value.line == 2
    assert base_images("ARG TOOL=tool-$TARGETARCH\nFROM a", {}) == ("a",)
    assert base_images("ARG TARGETARCH=386\nFROM a-$TARGETARCH", {"TARGETARCH": "arm64"}) == ("a-386",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        *(("# nothing\nARG X=1\n", 1), ("ARG X\n\nFROM $X\n", 3), ("FROM a\nFROM\n", 2)),
        *(("FROM a\nFROM \\\n ''\n", 2), ("FROM ${X!y}", 1), ("FROM ${X:#y}", 1), ("FROM ${X/y}", 1)),
        *(("FROM ${X%\\y}", 1), ("FROM 'a", 1), ('FROM "a\\"', 1), ("FROM 'a b'", 1)),
        *(("FROM a IN b", 1), ("ARG X='a\nFROM b", 1), ("FROM a\nRUN <<EOF\nFROM b", 2)),
        *(("# escape=x\nFROM a", 1), ("# escape=`\n# escape=`\nFROM a", 2), ("FROM ${X:?say X}", 1)),
        ("FROM a\nARG S\nCOPY --from=$S x y", 3),
    ],
)
def test_a_dockerfile_that_cannot_be_built_is_refused(text: str, line: int) -> None:
    """The error names the line, counted as the engine does."""
    with pytest.raises(DockerfileError) as caught:
        base_images(text, {})
    assert caught.value.line == line


@settings(deadline=None)  # a busy machine is no fault of the reader
@given(st.text(alphabet="FROM ARGCOPY--from=ab$ {}:-+\\\n\"'#<E1", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Any text is read or raises `DockerfileError`, never another error."""
    try:
        assert all(base_images(f"FROM x\n{text}", {}))
    except DockerfileError as error:
        assert 1 <= error.line <= text.count("\n") + 2  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("# syntax=docker/dockerfile:1\nFROM a", "docker/dockerfile:1"),
        ("#syntax = docker/dockerfile:1 more \r\nFROM a", "docker/dockerfile:1"),
        *(("\ufeff# Syntax=x\nFROM a", "x"), ("#!/usr/bin/env x\n# syntax=x\nFROM a", "x")),
        *(("# escape=`\n# syntax=x\nFROM a", "x"), ("FROM a\n# syntax=x", None)),
        *(("# note\n# syntax=x\nFROM a", None), ("\n# syntax=x\nFROM a", None), ("", None)),
    ],
)
def test_the_syntax_line_is_found_where_it_counts(text: str, image: str | None) -> None:
    """Only a directive at the top names a frontend image."""
    assert syntax_directive(text) == image
    without = without_syntax_directive(text)
    assert syntax_directive(without) is None
    assert without.count("\n") == text.count("\n")
    if image is None:
        assert without == text


def test_removing_the_syntax_line_keeps_line_numbers_and_other_directives() -> None:
    """The line becomes a comment, and an escape directive after it still has its effect."""
    text = "# syntax=docker/dockerfile:1\r\n# escape=`\r\nFROM `\r\n  a\r\nRUN dir C:\\\r\nFROM ${X}\r\n"
    without = without_syntax_directive(text)
    assert without.split("\r\n")[0] == "# escape=`"
    assert without.split("\r\n")[2:] == text.split("\r\n")[2:]
    assert "docker/dockerfile:1" in without.split("\r\n")[1]
    with pytest.raises(DockerfileError) as caught:
        base_images(without, {})
    assert caught.value.line == 6


_STAGES = """\
# escape=\\
ARG BASE=python:3
FROM ${BASE} AS Build
WORKDIR /src
COPY requirements.txt ./
RUN pip install \\
    # all of them
    -r requirements.txt

FROM build AS test
ENV A=1
RUN pytest
FROM scratch
COPY --from=build /src /
COPY <<EOF /hello
RUN not an instruction
EOF
ADD a.tar /
"""


@pytest.mark.parametrize(
    ("step", "line"),
    [
        *(("[build 1/4] FROM docker.io/library/python:3", 3), ("[build 2/4] WORKDIR /src", 4)),
        *(("[build 4/4] RUN pip install     -r requirements.txt", 6), ("[test 1/1] RUN pytest", 12)),
        *(("[stage-2 1/3] COPY --from=build /src /", 14), ("[stage-2 3/3] ADD a.tar /", 18)),
        ("[linux/arm64 build 3/4] COPY requirements.txt ./", 5),
        *(("[linux/amd64 stage-2 2/3] COPY <<EOF /hello", 15), ("[build 3/4] RUN pip", None)),
        *(("[other 1/1] RUN x", None), ("[internal] load metadata for python:3", None)),
        *(("exporting to image", None), ("", None)),
    ],
)
def test_the_line_of_a_step(step: str, line: int | None) -> None:
    """A builder's name of a step leads to its line; a step that is not in the Dockerfile has no line."""
    assert step_line(_STAGES, step) == line


def test_the_line_of_a_step_in_one_stage() -> None:
    """With one stage, a step's name has no stage; the number distinguishes similar steps."""
    text = "FROM x\nRUN a\nRUN b\n"
    assert [step_line(text, step) for step in ("[1/3] FROM x", "[2/3] RUN a", "[3/3] RUN b")] == [1, 2, 3]
    assert (line_text(text, 3), line_text(text, 9)) == ("RUN b", "")


@given(st.text(), st.text())
@settings(max_examples=50)
def test_any_text_has_lines(text: str, step: str) -> None:
    """Any Dockerfile and any step name give a line or None, never an error."""
    line = step_line(text, step)
    assert line is None or line_text(text, line)


def test_labels_are_those_of_instructions() -> None:
    """A name in a comment is not a label."""
    text = "FROM x\n# a.b.version\nLABEL a.b.title=x \\\n  a.b.source=y\nRUN echo a.b.vendor\n"
    words = own_labels(text)
    assert [name in words for name in ("title", "source", "version", "vendor")] == [True, True, False, False]


def test_final_base() -> None:
    """The final base image is found through stages that start from other stages."""
    assert final_base(_STAGES, {"BASE": "alpine"}, "test") == "alpine"
    assert final_base(_STAGES, {}) == "scratch"


@pytest.mark.parametrize(
    ("lines", "ports"),
    [
        *(("EXPOSE 1\nFROM b\nEXPOSE 8000 53/UDP", "8000/tcp 53/udp"), ("EXPOSE $PORT", "")),
        *(("EXPOSE 8000-8002", "8000/tcp 8001/tcp 8002/tcp"), ("EXPOSE 8080:80 '90'", "80/tcp 90/tcp")),
        *(("EXPOSE 80\nFROM x\nEXPOSE 81", "80/tcp 81/tcp"), ("EXPOSE 80 x", "80/tcp"), ("EXPOSE ${P:-80}", "80/tcp")),
        *(("ARG P=1\nENV P=2\nEXPOSE $P", "2/tcp"), ("ENV P 3\nEXPOSE $P/udp", "3/udp")),
        *(("ARG G\nEXPOSE $G", "7/tcp"), ("EXPOSE $G", ""), ("ARG A=1\nEXPOSE $A", "9/tcp"), ("EXPOSE 'x", "")),
    ],
)
def test_exposed_ports(lines: str, ports: str) -> None:
    """The ports are those that BuildKit would write into the image, as far as they do not come from its base image."""
    assert " ".join(exposed_ports(f"ARG G=7\nFROM a AS x\n{lines}\n", {"A": "9"})) == ports


@pytest.mark.parametrize(
    ("lines", "user"),
    [("USER 1\nFROM b", ""), ("USER 1\nUSER 2:3", "2:3"), ("USER 1\nUSER $U", ""), ("RUN a", "")],
)
def test_own_user(lines: str, user: str) -> None:
    """The last USER of the last stage counts; what a variable holds is not known."""
    assert own_user(f"FROM a\n{lines}\n") == user
