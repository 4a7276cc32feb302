"""`.dockerignore` is read as Docker reads it."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.sources.dockerignore import IgnorePatternError, IgnoreRules

# Each text of an ignore file, the paths that it excludes and those that it does not.
_RULES: list[tuple[str, list[str], list[str]]] = [
    *(("", [], ["a"]), ("a", ["a", "a/b/c"], ["ab", "b/a"]), ("a/b", ["a/b", "a/b/c/d"], ["a"])),
    *(("a.b", [], ["axb"]), ("a+(b)|{c}$", ["a+(b)|{c}$"], []), ("Readme", [], ["README"]), ("é", ["é/x"], [])),
    *(("/a", ["a"], []), ("//a", ["a"], []), ("./a/", ["a"], []), ("a//b/./c/../d", ["a/b/d"], [])),
    *(("../a", [], ["a"]), ("a/..", [], ["a"]), (".", [], ["a"]), ("/", [], ["a"]), ("  a \t", ["a"], [])),
    *(("! a", [], ["a"]), ("\u00a0a\u3000", ["a"], []), ("a\x1c", ["a\x1c"], []), ("# a\n#b", [], ["b"])),
    *((" #a", ["#a"], []), ("a\r\nb\r\n", ["b"], []), ("\n\n  \na", ["a"], []), ("\ufeffa", ["a"], [])),
    *(("\ufeff# a", [], ["# a"]), ("a\n\ufeffb", [], ["b"]), ("*", ["a/b", ".hidden"], ["."])),
    *(("*.py", ["a.py"], ["d/a.py"]), ("*/*.py", ["d/a.py"], []), ("d/*", ["d/a/b"], ["d"])),
    *(("a?c", ["abc"], ["a/c", "ac"]), ("?", ["é"], []), ("**", ["a/b"], [""])),
    *(("**/a", ["a", "x/y/a", "x/y/a/z"], ["xa"]), ("**a", ["x/ya"], [])),
    *(("**/*.pyc", ["a.pyc", "a/b/c.pyc"], []), ("**.py", ["a/b.py"], []), ("d/**", ["d/a/b"], ["d"])),
    *(("d**", ["dx/a"], []), ("a/**/b", ["a/b", "a/x/y/b"], ["ab"]), ("a**b", ["a/x/b"], ["axb"])),
    *(("a**/*.txt", ["a/x.txt"], []), ("**/foo/bar", ["x/foo/bar/y"], []), ("**/**/foo", ["foo"], [])),
    *(("**/foo/**", ["x/foo/y"], ["foo"]), ("***", ["a/b"], []), (r"\*", ["*"], ["a"]), (r"a\?b", ["a?b"], [])),
    *((r"\!a", ["!a"], []), (r"\#a", ["#a"], []), (r"a\\b", ["a\\b"], []), (r"v\d", ["v1"], ["vd"])),
    *(("[ab]c", ["bc"], []), ("[a-c]", ["b"], ["d"]), ("[^a]", ["b"], ["a"]), ("a[^x]b", ["a/b"], [])),
    *((r"[\]]", ["]"], []), (r"[a\-z]", ["-"], ["m"]), ("[.]", [], ["."]), ("[.]x", [".x"], [])),
    *(("[*]", ["[]"], []), ("a]", ["a]"], []), ("a^b", ["a^b"], []), ("a^b*", [], ["a^b"])),
    *(("*\n!a", ["b"], ["a"]), ("!a\n*", ["a"], []), ("*\n!a/b", ["a/x"], ["a/b/c"])),
    ("*\n!a\na/b", ["a/b/c"], []),
    ("*.md\n!README*.md\nREADME-secret.md", ["README-secret.md"], ["README-x.md"]),
    *(("*.md\nREADME-secret.md\n!README*.md", [], ["README-secret.md"]), ("d/x\n!d", [], ["d/x"])),
    *(("**\n!**/*.py", [], ["a/b.py"]), ("*\n!/a", [], ["a"]), ("a\n!!a", ["a"], []), ("*\n/!a", [], ["a"])),
]


@pytest.mark.parametrize(("text", "excluded", "included"), _RULES, ids=[repr(row[0]) for row in _RULES])
def test_a_path_stays_out_as_with_docker(text: str, excluded: list[str], included: list[str]) -> None:
    """Each pattern excludes what Docker's own matcher excludes for it."""
    rules = IgnoreRules.parse(text.encode())
    assert [rules.excludes(path) for path in (*excluded, *included)] == [True] * len(excluded) + [False] * len(included)


@pytest.mark.parametrize("pattern", ["! ", "!/", "a[", "[]a]", "[^]", "[a-]", "[-a]", "a\\", "!a[", r"\é", r"[\b]"])
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


_WALKS: list[tuple[str, list[str], list[str]]] = [
    *(("a", [], ["a"]), ("*\n!a", [], ["b", "a"]), ("*\n!a/b", ["a"], ["b", "a/b"])),
    *(("*\n!a/b/c", ["a/b"], ["a/x"]), ("*\n!*.md", [], ["node_modules"]), ("*\n!*/keep", ["node_modules"], [])),
    *(("*\n!s?c/keep", ["src"], ["bin"]), ("*\n!docs/**", ["docs"], ["node_modules"])),
    *(("*\n!**/keep", ["node_modules/deep"], []), ("*\n![ab]/keep", ["x"], [])),
]


@pytest.mark.parametrize(("text", "entered", "skipped"), _WALKS)
def test_a_walk_enters_an_excluded_directory_only_for_an_exception(
    text: str, entered: list[str], skipped: list[str]
) -> None:
    """An excluded directory is entered when an exception could match in it, and skipped when none can."""
    rules = IgnoreRules.parse(text.encode())
    assert [name for name in (*entered, *skipped) if rules.may_include_below(name)] == entered


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
