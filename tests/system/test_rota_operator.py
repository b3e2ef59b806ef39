# SPDX-License-Identifier: Apache-2.0
"""What `rota` says to a person who mistypes, forgets or misjudges."""
import json

import pytest

from fleet import PROGRAMS, Fleet, environment, run


def rota(*words, **more):
    return run(PROGRAMS["rota"], *words, check=False, **more)


WRONG = [
    (["image"], "the verbs are: image sign, image show; see: rota --help"),
    (["bogus"], "no verb 'bogus'; see: rota --help"),
    (["help", "bogus"], "no verb 'bogus'"),
    (["--dir"], "no value for --dir"),
    (["factory", "enrol"], "; see: rota factory enrol --help"),
    (["rollout", "set", "--version", "1.0.0", "--stage", "some"], "--stage some is none of"),
    (["rollout", "set", "--version", "1.0.0", "--stage", "canary="], "--stage canary= is none of"),
    (["rollout", "set", "--version", "1.0.0", "--stage", "group=A B"], "--stage group=A B is none of"),
    (["rollout", "set", "--version", "1.0.0", "--stage", "ppm=1000001"], "--stage ppm=1000001 is none of"),
]


@pytest.mark.parametrize("words, says", WRONG, ids=lambda x: "-".join(x) if isinstance(x, list) else None)
def test_wrong_usage_says_what_there_is(words, says):
    done = rota(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", [["publish"], ["image", "sign"]], ids=" ".join)
def test_help_of_a_verb(verb):
    assert rota("help", *verb).stdout == rota(*verb, "--help").stdout != ""


def test_no_authority_says_how_to_have_one(tmp_path):
    done = rota("--dir", tmp_path / "none", "status")
    assert done.returncode == 1
    assert "--dir or $ROTA_DIR" in done.stderr and "rota init" in done.stderr
    done = rota("serve", cwd=tmp_path, env=environment(ROTA_DIR=""))
    assert done.returncode == 1
    assert "there is no" in done.stderr and "--dir" in done.stderr


def test_a_limit_on_file_size_is_no_signal(authority):
    out = authority.dir / "too-large.img"
    payload = authority.payload("1.0.0")
    line = 'ulimit -f 8; "$1" --dir "$2" image sign --version 1.0.0 --hardware x --out "$3" "$4"'
    done = run("sh", "-c", line, "sh", PROGRAMS["rota"], authority.authority, out, payload, check=False)
    assert done.returncode == 1 and "File too large" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    "names, host",
    [(["updates.example.org", "192.0.2.1"], "updates.example.org"), (["2001:db8::1"], "[2001:db8::1]")],
)
def test_devices_are_given_the_first_name_of_the_server(tmp_path, names, host):
    words = [word for name in names for word in ("--name", name)]
    run(PROGRAMS["rota"], "init", "--softhsm", "--at-hand", "--product", "gw", *words, tmp_path / "a")
    ini = (tmp_path / "a/rota.ini").read_text()
    assert f"repository_url = https://{host}:8443/repo/\n" in ini
    assert f"server_url = https://{host}:8444/\n" in ini


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    it = Fleet(tmp_path_factory.mktemp("operator"))
    it.release("1.0.0", "--group", "lab", "--canary", "1")
    return it


def enrolled(authority, name):
    return json.loads(authority.rota("factory", "enrol", "--out", authority.dir / name, "--hardware", "board-a", "--json"))[
        "device"
    ]


def test_a_stage_beyond_the_ceilings_is_named(authority):
    devices = [enrolled(authority, name) for name in ("one", "two")]

    def said(stage):
        done = rota("--dir", authority.authority, "rollout", "set", "--version", "1.0.0", "--stage", stage)
        assert done.returncode == 0
        return done.stderr

    assert "group=other admits nobody: release 1.0.0 was signed without --group other" in said("group=other")
    assert "2 canaries, release 1.0.0 was signed with --canary 1" in said("canary=" + ",".join(devices))
    for stage in ("group=lab", "canary=" + devices[0], "ppm=1", "region=eu", "everyone"):
        assert said(stage) == ""


SLOW = "#include <sys/time.h>\n#include <time.h>\ntime_t time(time_t *to)\n{\n" \
    "struct timeval now;\ngettimeofday(&now, 0);\nnow.tv_sec -= 2 * 86400;\n" \
    "if (to) *to = now.tv_sec;\nreturn now.tv_sec;\n}\n"


@pytest.mark.plain
def test_publish_names_a_clock_that_is_behind(authority):
    source, library = authority.dir / "slow.c", authority.dir / "slow.so"
    source.write_text(SLOW)
    run("cc", "-shared", "-fPIC", "-o", library, source)
    done = rota("--dir", authority.authority, "publish")
    assert (done.returncode, done.stderr) == (0, "")
    done = rota("--dir", authority.authority, "publish", env=environment(LD_PRELOAD=library))
    assert done.returncode == 0
    assert "rota: the clock shows " in done.stderr and "set it and publish again" in done.stderr
    authority.rota("publish", "--all")


def test_quiet_says_nothing_where_nothing_is_wrong(authority):
    done = rota("--dir", authority.authority, "repo", "verify", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    target = authority.target("1.0.0", ".img")
    whole = target.read_bytes()
    target.write_bytes(whole[:-1])
    done = rota("--dir", authority.authority, "repo", "verify", "--quiet")
    target.write_bytes(whole)
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()[:-1]] == ["wrong"]
