"""`.dockerignore` is read as Docker reads it."""

from __future__ import annotations

import posixpath
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.sources.dockerignore import IgnorePatternError, IgnoreRules, find_ignore_file


@pytest.mark.parametrize(
    ("text", "path", "excluded"),
    [
        # plain names
        ("", "a", False),
        ("a", "a", True),
        ("a", "ab", False),
        ("a", "b/a", False),
        ("a", "a/b/c", True),
        ("a/b", "a", False),
        ("a/b", "a/b", True),
        ("a/b", "a/b/c/d", True),
        ("a.b", "axb", False),
        ("a+(b)|{c}$", "a+(b)|{c}$", True),
        ("Readme", "README", False),
        ("é", "é/x", True),
        # cleaning
        ("/a", "a", True),
        ("//a", "a", True),
        ("./a/", "a", True),
        ("a//b/./c/../d", "a/b/d", True),
        ("../a", "a", False),
        ("a/..", "a", False),
        (".", "a", False),
        ("/", "a", False),
        ("  a \t", "a", True),
        ("! a", "a", False),
        ("\u00a0a\u3000", "a", True),
        ("a\x1c", "a\x1c", True),
        # lines
        ("# a\n#b", "b", False),
        (" #a", "#a", True),
        ("a\r\nb\r\n", "b", True),
        ("\n\n  \na", "a", True),
        ("\ufeffa", "a", True),
        ("\ufeff# a", "# a", False),
        ("a\n\ufeffb", "b", False),
        # one star and question mark stop at slashes
        ("*", "a/b", True),
        ("*", ".hidden", True),
        ("*.py", "a.py", True),
        ("*.py", "d/a.py", False),
        ("*/*.py", "d/a.py", True),
        ("d/*", "d", False),
        ("d/*", "d/a/b", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a?c", "ac", False),
        ("?", "é", True),
        # two stars do not
        ("**", "a/b", True),
        ("**/a", "a", True),
        ("**/a", "x/y/a", True),
        ("**/a", "x/y/a/z", True),
        ("**/a", "xa", False),
        ("**a", "x/ya", True),
        ("**/*.pyc", "a.pyc", True),
        ("**/*.pyc", "a/b/c.pyc", True),
        ("**.py", "a/b.py", True),
        ("d/**", "d", False),
        ("d/**", "d/a/b", True),
        ("d**", "dx/a", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "ab", False),
        ("a**b", "a/x/b", True),
        ("a**b", "axb", False),
        ("a**/*.txt", "a/x.txt", True),
        ("**/foo/bar", "x/foo/bar/y", True),
        ("**/**/foo", "foo", True),
        ("**/foo/**", "foo", False),
        ("**/foo/**", "x/foo/y", True),
        ("***", "a/b", True),
        # escapes and classes
        (r"\*", "*", True),
        (r"\*", "a", False),
        (r"a\?b", "a?b", True),
        (r"\!a", "!a", True),
        (r"\#a", "#a", True),
        (r"a\\b", "a\\b", True),
        (r"v\d", "v1", True),
        (r"v\d", "vd", False),
        ("[ab]c", "bc", True),
        ("[a-c]", "b", True),
        ("[a-c]", "d", False),
        ("[^a]", "b", True),
        ("[^a]", "a", False),
        ("a[^x]b", "a/b", True),
        (r"[\]]", "]", True),
        (r"[a\-z]", "-", True),
        (r"[a\-z]", "m", False),
        ("[.]", ".", False),
        ("[.]x", ".x", True),
        ("[*]", "[]", True),
        ("a]", "a]", True),
        ("a^b", "a^b", True),
        ("a^b*", "a^b", False),
        # exceptions: the last rule that matches wins
        ("*\n!a", "a", False),
        ("*\n!a", "b", True),
        ("!a\n*", "a", True),
        ("*\n!a/b", "a/b/c", False),
        ("*\n!a/b", "a/x", True),
        ("*\n!a\na/b", "a/b/c", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-x.md", False),
        ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
        ("d/x\n!d", "d/x", False),
        ("**\n!**/*.py", "a/b.py", False),
        ("*\n!/a", "a", False),
        ("a\n!!a", "a", True),
        ("*\n/!a", "a", False),
        # the context itself is never excluded
        ("*", ".", False),
        ("**", "", False),
    ],
)
def test_a_path_stays_out_as_with_docker(text: str, path: str, *, excluded: bool) -> None:
    """Each pattern excludes what Docker's own matcher excludes for it."""
    assert IgnoreRules.parse(text.encode()).excludes(path) is excluded


@pytest.mark.parametrize(
    "pattern",
    [
        "!",
        "! ",
        "!/",
        "[",
        "a[",
        "[]",
        "[]a]",
        "[^]",
        "[a-]",
        "[-a]",
        "a\\",
        "!a[",
        "[z-a]",
        r"\é",
        r"\p",
        r"[\b]",
        "[[:alpha:]]",
    ],
)
def test_a_malformed_pattern_is_refused_with_its_line(pattern: str) -> None:
    """The error names the line, the pattern as it was written, and a reason."""
    with pytest.raises(IgnorePatternError) as caught:
        IgnoreRules.parse(f"# first\n\nfine\n{pattern}\n".encode())
    assert caught.value.line == 4
    assert caught.value.pattern == pattern.strip()
    assert caught.value.reason
    assert str(caught.value).startswith("line 4: ")


def test_a_name_that_is_not_utf8() -> None:
    """Bytes that are not UTF-8 match the names that os.fsdecode returns for them."""
    assert IgnoreRules.parse(b"caf\xe9").excludes(b"caf\xe9".decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("text", "directory", "may"),
    [
        ("a", "a", False),
        ("*\n!a", "b", False),
        ("*\n!a", "a", False),
        ("*\n!a/b", "a", True),
        ("*\n!a/b", "b", False),
        ("*\n!a/b/c", "a/b", True),
        ("*\n!a/b/c", "a/x", False),
        ("*\n!a/b", "a/b", False),
        ("*\n!*.md", "node_modules", False),
        ("*\n!*/keep", "node_modules", True),
        ("*\n!s?c/keep", "src", True),
        ("*\n!s?c/keep", "bin", False),
        ("*\n!docs/**", "node_modules", False),
        ("*\n!docs/**", "docs", True),
        ("*\n!**/keep", "node_modules/deep", True),
        ("*\n![ab]/keep", "x", True),
    ],
)
def test_a_walk_enters_an_excluded_directory_only_for_an_exception(text: str, directory: str, *, may: bool) -> None:
    """An excluded directory is entered when an exception could match in it, and skipped when none can."""
    assert IgnoreRules.parse(text.encode()).may_include_below(directory) is may


_PATTERN = st.lists(
    st.sampled_from(["a", "b", "/", "*", "**", "**/", "/**", "?", "[ab]", "[^a]", "!", "\\a", "^"]),
    min_size=1,
    max_size=6,
).map("".join)
_PATH = st.lists(st.sampled_from(["a", "b", "ab", "^", "!a"]), min_size=2, max_size=4).map("/".join)


@settings(deadline=None)  # a busy machine is no fault of the reader
@given(st.lists(_PATTERN, max_size=4), _PATH)
def test_a_skipped_directory_held_nothing_to_include(patterns: list[str], path: str) -> None:
    """With any rules, a directory that may be skipped contains no included path."""
    try:
        rules = IgnoreRules.parse("\n".join(patterns).encode())
    except IgnorePatternError:
        return
    directory = posixpath.dirname(path)
    while directory:
        if rules.excludes(directory) and not rules.may_include_below(directory):
            assert rules.excludes(path)
        directory = posixpath.dirname(directory)


@settings(deadline=None)  # a busy machine is no fault of the reader
@given(st.binary())
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    """Any ignore file is parsed or raises `IgnorePatternError`, never another error."""
    try:
        IgnoreRules.parse(text).excludes("a/b")
    except IgnorePatternError as error:
        assert 1 <= error.line <= text.count(b"\n") + 1  # noqa: PT017


def test_the_dockerfiles_own_ignore_file_wins(tmp_path: Path) -> None:
    """`<Dockerfile>.dockerignore` is used instead of the context's `.dockerignore`, even if it is empty."""
    context = tmp_path / "context"
    context.mkdir()
    dockerfile = tmp_path / "web.Dockerfile"
    assert find_ignore_file(context, dockerfile) is None
    (context / ".dockerignore").write_text("a")
    assert find_ignore_file(context, dockerfile) == context / ".dockerignore"
    (tmp_path / "web.Dockerfile.dockerignore").touch()
    assert find_ignore_file(context, dockerfile) == tmp_path / "web.Dockerfile.dockerignore"
