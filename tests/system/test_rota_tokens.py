# SPDX-License-Identifier: Apache-2.0
"""Which tokens, keys and settings an authority works with, and what it says when something is wrong with them."""
import os
import pty
import re
import shutil
import subprocess

import pytest

from authority import Client, program, rota_doctor
from authority import made, rota  # noqa: F401 - fixtures

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


def tamper_pin(rota):
    (rota.dir / "tokens/online/pin").write_text("wrong-pin")


def long_pin(rota):
    (rota.dir / "tokens/online/pin").write_text(255 * "1")


def open_pin(rota):
    (rota.dir / "tokens/online/pin").chmod(0o644)


def no_module(rota):
    ini = rota.dir / "rota.ini"
    ini.write_text(re.sub(r"module = .*", "module = /nowhere.so", ini.read_text()))


def no_label(rota):
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("label = rota-online", "label = other"))


def no_key(rota):
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("online:timestamp", "online:nothing"))


def no_conf(rota):
    (rota.dir / "tokens/online/softhsm2.conf").unlink()


@pytest.mark.parametrize("damage, says", [
    (tamper_pin, "the PIN is wrong"),
    (long_pin, "holds no PIN of 1 to 254 bytes"),
    (open_pin, "chmod 600"),
    (no_module, "cannot load PKCS#11 module /nowhere.so"),
    (no_label, "no token has the label 'other'"),
    (no_key, "no key is called 'nothing'"),
    (no_conf, "SOFTHSM2_CONF"),
])
def test_token_trouble_is_one_line(rota, damage, says):
    before = (rota.dir / "repo/metadata/timestamp.json").read_bytes()
    damage(rota)
    text = rota("publish", status=1)
    assert says in text and "online" in text
    assert (rota.dir / "repo/metadata/timestamp.json").read_bytes() == before
    assert rota_doctor(rota)


@pytest.mark.parametrize("change, says", [
    (("product = sensor", "product = Sen sor"), "SPEC 1.2"),
    (("threshold = 2", "threshold = 4"), "not a number from 1 to 3"),
    (("lifetime = 24h", "lifetime = 25h"), "SPEC 3.2"),
    (("targets-1:targets", "root-1:targets"), "must share none"),
    (("online:snapshot", "missing:snapshot"), "'missing', which has no section"),
    (("online:snapshot", "online"), "not TOKEN:KEY"),
    (("[role time]", "[role tame]"), "[role time] lacks 'signers"),
    (("pin_file = tokens/image-1/pin", "pin-file = tokens/image-1/pin"), "[token image-1] pin-file is not a known"),
    (("[factory]\n", "[factory]\ncanary = 1\n"), "[factory] canary is not a known setting"),
    (("[factory]\n", "[faktory]\nx = 1\n[factory]\n"), "[faktory] x is not a known setting"),
    (("threshold = 2", "treshold = 2"), "[role root] treshold is not a known setting"),
])
def test_configuration_trouble_is_one_line(rota, change, says):
    ini = rota.dir / "rota.ini"
    assert change[0] in ini.read_text()
    ini.write_text(ini.read_text().replace(*change))
    assert says in rota("status", status=1)
    assert "known" not in says or "rota.ini line " in rota("publish", status=1)


def test_misspelt_setting_is_found(rota):
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("growth = 10", "grwoth = 10"))
    line = 1 + ini.read_text().splitlines().index("grwoth = 10")
    assert any(f"line {line}: [release] grwoth" in bad for bad in rota_doctor(rota))


def test_token_with_another_key_signs_nothing(rota):
    """Signed with a key that the metadata does not name for the role, a file would lock every device out."""
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("signers = online:timestamp", "signers = online:ci"))
    before = (rota.dir / "repo/metadata/timestamp.json").read_bytes()
    assert "other keys than the metadata names" in rota("publish", status=1)
    assert (rota.dir / "repo/metadata/timestamp.json").read_bytes() == before


def test_init_refuses_and_leaves_nothing(made, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").write_text("")
    assert "not empty" in made("init", "--softhsm", "--product", "sensor", full, status=1)
    new = tmp_path / "new"
    made("init", "--softhsm", "--product", "sensor", "--module", "/nowhere.so", new, status=1)
    assert [p.name for p in tmp_path.iterdir()] == ["full"]


def test_init_with_given_tokens(made, tmp_path):
    """The keys of an existing authority's tokens, by their absolute names."""
    ini = (made.dir / "rota.ini").read_text()
    ini = re.sub(r"(pin_file = )(.*)", rf"\g<1>{made.dir}/\2", ini)
    (tmp_path / "given.ini").write_text(ini)
    for conf in made.dir.glob("tokens/*/softhsm2.conf"):
        own = tmp_path / "conf" / conf.parent.name
        own.parent.mkdir(exist_ok=True)
        own.write_text(conf.read_text().replace("tokens/", f"{made.dir}/tokens/"))
    ini = re.sub(r"SOFTHSM2_CONF=tokens/(.*)/softhsm2.conf", rf"SOFTHSM2_CONF={tmp_path}/conf/\1", ini)
    (tmp_path / "given.ini").write_text(ini)
    made("init", "--config", tmp_path / "given.ini", tmp_path / "second")
    first = Client(made.dir / "repo").refresh()
    second = Client(tmp_path / "second" / "repo").refresh()
    assert first.root["roles"] == second.root["roles"]


def test_one_person_is_not_two(made, tmp_path):
    """A token under two names is one key, whatever rota.ini says of thresholds."""
    ini = re.sub(r"= tokens/", f"= {made.dir}/tokens/", (made.dir / "rota.ini").read_text())
    twin = re.search(r"\[token root-1\].*?\n\n", ini, re.S).group().replace("root-1]", "twin]")
    ini = ini.replace("root-1:root root-2:root", "root-1:root twin:root")
    (tmp_path / "given.ini").write_text(ini.replace("[token root-1]", twin + "[token root-1]"))
    for name in os.listdir(made.dir / "tokens"):
        conf = made.dir / "tokens" / name / "softhsm2.conf"
        own = tmp_path / name
        own.write_text(conf.read_text().replace("tokens/", f"{made.dir}/tokens/"))
    text = (tmp_path / "given.ini").read_text()
    text = re.sub(r"SOFTHSM2_CONF=tokens/(.*)/softhsm2.conf", rf"SOFTHSM2_CONF={tmp_path}/\1", text)
    (tmp_path / "given.ini").write_text(text)
    says = made("init", "--config", tmp_path / "given.ini", tmp_path / "second", status=1)
    assert "twin:root is the same key" in says
    assert not (tmp_path / "second").exists()


def test_online_side_sees_one_token(rota):
    """The online side's configuration shows one token; what is secret can be read by its owner only."""
    conf = (rota.dir / "tokens/online/softhsm2.conf").read_text()
    done = subprocess.run(["softhsm2-util", "--show-slots"], cwd=rota.dir, capture_output=True, text=True,
                          env={**os.environ, "SOFTHSM2_CONF": "tokens/online/softhsm2.conf"}, check=True)
    assert conf and re.findall(r"Label: +(rota-\S+)", done.stdout) == ["rota-online"]
    for secret in rota.dir.glob("tokens/*/*pin"):
        assert secret.stat().st_mode & 0o777 == 0o600
    assert (rota.dir / "server/key.pem").stat().st_mode & 0o777 == 0o600


def on_terminal(args, answer):
    """Run with a terminal, type `answer` when a PIN is asked for; (exit status, what the screen showed)."""
    child, fd = pty.fork()
    if child == 0:
        os.execv(args[0], [str(a) for a in args])
    shown = b""
    try:
        while piece := os.read(fd, 1024):
            asked = b"PIN of token" not in shown
            shown += piece
            if asked and b"PIN of token" in shown:
                os.write(fd, answer.encode())
    except OSError:  # the terminal is gone with the child
        pass
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_pin_from_the_terminal(rota, tmp_path):
    pin = (rota.dir / "tokens/image-1/pin").read_text()
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("pin_file = tokens/image-1/pin\n", ""))
    payload = program(tmp_path / "payload")
    args = ["image", "sign", "--version", "1.0.0", "--hardware", "b", "--out", tmp_path / "a.img", payload]
    status, shown = on_terminal([rota.program, "--dir", rota.dir, *args], pin + "\n")
    assert status == 0 and pin not in shown and "image digest" in shown
    (tmp_path / "a.img").unlink()
    status, shown = on_terminal([rota.program, "--dir", rota.dir, *args], "wrong-pin\n")
    assert status == 1 and "the PIN is wrong" in shown
    status, shown = on_terminal([rota.program, "--dir", rota.dir, *args], "12\x03")
    assert status == 1 and "no PIN given" in shown
    assert "set pin_file" in rota(*args, status=1)  # nobody to ask
    assert not (tmp_path / "a.img").exists()
