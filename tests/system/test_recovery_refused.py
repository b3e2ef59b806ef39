# SPDX-License-Identifier: Apache-2.0
"""Recovery orders that must not be taken by a device, and those that the operator is not let make."""
import json

import pytest

from fleet import HARDWARE, PROGRAMS, line, run
from rescue import device, factory  # noqa: F401 - fixtures
from rescue import follow, foreign_image, make, pack, sign


# --- what must not be taken ---


@pytest.mark.parametrize("options, hardware", [
    (("--device", "00" * 32), HARDWARE),
    (("--running", "11" * 32), HARDWARE),
    ((), "board-z"),
])
def test_an_order_for_others_is_left_alone(fleet, device, options, hardware):
    image = foreign_image(fleet, "9.0.0", hardware=hardware)
    order = sign(fleet, make(fleet, "others", "--image", image, *options, hardware=hardware))
    assert device.agent("recover", pack(fleet, order, "--image", image)).returncode == 1
    assert device.boot() == "1.0.0"


def test_an_order_of_another_product_is_left_alone(fleet, device):
    image = foreign_image(fleet, "9.0.0")
    order = make(fleet, "product", "--image", image)
    data = json.loads(order.read_text())
    data["signed"]["product"] = "lamp"
    order.write_text(json.dumps(data, sort_keys=True, separators=(",", ":")))
    sign(fleet, order)
    assert device.agent("recover", pack(fleet, order, "--image", image)).returncode == 1
    assert device.boot() == "1.0.0"


def forge(fleet, name, tamper):
    """A pack whose order was signed, and then changed."""
    image = foreign_image(fleet, "9.0.0")
    order = sign(fleet, make(fleet, name, "--image", image))
    data = json.loads(order.read_text())
    tamper(data)
    text = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
    parts = (text, (fleet.authority / "trust/recovery-keys.json").read_bytes(), None, image.read_bytes())
    out = order.with_suffix(".forged")
    out.write_bytes(b"ROTAREC1" + b"".join(
        bytes([kind]) + len(part).to_bytes(4, "little") + part for kind, part in enumerate(parts, 1) if part))
    return out


@pytest.mark.parametrize("tamper", [
    lambda o: o["signed"].update(epoch=99),
    lambda o: o["signatures"].pop(),
    lambda o: o["signatures"].__setitem__(1, dict(o["signatures"][0], key=2)),  # one person twice
    lambda o: o["signed"].update(zeal=1),
])
def test_a_forged_order_is_refused(fleet, device, tamper):
    done = device.agent("recover", forge(fleet, "forged", tamper))
    assert done.returncode == 1
    assert line(done.stdout, "refused")["step"] == "order"
    assert device.boot() == "1.0.0"


def test_an_earlier_epoch_is_never_taken_again(fleet, device):
    one, two = foreign_image(fleet, "8.0.0"), foreign_image(fleet, "9.0.0")
    first = pack(fleet, sign(fleet, make(fleet, "first", "--epoch", "1", "--image", one)), "--image", one)
    second = pack(fleet, sign(fleet, make(fleet, "second", "--epoch", "2", "--image", two)), "--image", two)
    device.agent("recover", second, check=3)
    device.agent("recover", first)  # not even before it is confirmed
    assert device.boot() == "9.0.0"
    follow(device, "9.0.0")
    assert device.boot() == "9.0.0"
    done = device.agent("recover", first)
    assert done.returncode == 1 and line(done.stdout, "refused")["step"] == "order"
    assert device.boot() == "9.0.0"


def test_an_order_put_back_into_flash_does_not_count(fleet, device):
    """Its image boots as long as the order is the one in force, and no longer."""
    image = foreign_image(fleet, "9.0.0")
    file = pack(fleet, sign(fleet, make(fleet, "place", "--image", image)), "--image", image)
    device.agent("recover", file, check=3)
    follow_file = device.dir / "flash/orders.bin"
    data = bytearray(follow_file.read_bytes())
    for place in (0, 16384):  # flip a bit of each order, where there is one
        data[place + 40] ^= 1
    follow_file.write_bytes(data)
    assert device.boot() == "1.0.0"


# --- the operator's side ---


def test_the_operator_is_told_who_is_missing(fleet):
    image = foreign_image(fleet, "9.0.0")
    order = sign(fleet, make(fleet, "missing", "--epoch", "7", "--image", image), ("recovery-2",))
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "publish", "--image", image, order,
               check=False)
    assert done.returncode == 1 and "1 of 2 signatures" in done.stderr and "0, 2" in done.stderr
    again = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "sign", "--yes", "--token", "recovery-2",
                order, check=False)
    assert again.returncode == 1 and "signed it already" in again.stderr
    shown = json.loads(fleet.rota("recovery", "show", "--json", order))
    assert shown["signers"] == [1] and not shown["complete"] and shown["order"]["epoch"] == 7
    sign(fleet, order, ("recovery-1",))
    assert json.loads(fleet.rota("recovery", "show", "--json", order))["complete"]
    wrong = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "pack", "--image", fleet.image("1.0.0"),
                order, check=False)
    assert wrong.returncode == 1 and "not the image that the order names" in wrong.stderr


@pytest.mark.parametrize("hardware, options, said", [
    ("board-z", ("--image",), "is not for hardware board-z"),
    (HARDWARE, ("--retire-key", "1"), "the last image key"),
    (HARDWARE, ("--retire-key", "0", "--retire-key", "1"), "the last image key"),
    (HARDWARE, ("--retire-key", "2"), "2 production keys"),
])
def test_an_order_that_no_device_could_follow_is_not_made(fleet, hardware, options, said):
    options += (fleet.image("1.0.0"),) if options == ("--image",) else ()
    order = fleet.dir / "useless.json"
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "make", "--hardware", hardware, *options, order,
               check=False)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1
    assert not order.exists()


def test_an_order_that_people_may_have_signed_is_not_written_over(fleet):
    order = sign(fleet, make(fleet, "kept", "--retire-key", "0"), ("recovery-2",))
    before = order.read_bytes()
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "make", "--hardware", HARDWARE, "--retire-key", "0",
               order, check=False)
    assert done.returncode == 1 and "is there already" in done.stderr
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "sign", "--yes", "--token", "root-1", order,
               check=False)
    assert done.returncode == 1 and "--token root-1" in done.stderr and not done.stdout
    assert order.read_bytes() == before


def test_the_verbs_of_a_group_are_told(fleet):
    done = run(PROGRAMS["rota"], "recovery", "--help")
    assert "recovery make" in done.stdout and "rollout" not in done.stdout
    done = run(PROGRAMS["rota"], "recovery", "mend", check=False)
    assert done.returncode == 2 and "no verb 'recovery mend'" in done.stderr


@pytest.mark.parametrize("words", [
    ("make", "--hardware", "b x", "--retire-key", "0", "x.json"),
    ("make", "--hardware", "b", "--retire-key", "0", "--epoch", "0", "x.json"),
    ("make", "--hardware", "b", "--retire-key", "0", "--device", "12", "x.json"),
    ("make", "--hardware", "b", "--retire-key", "0", "--running", "12", "x.json"),
    ("make", "--hardware", "b", "--retire-key", "0", "--component", "app", "x.json"),
    ("make", "--hardware", "b", *("--retire-key", "0") * 3, "x.json"),
    ("make", "--hardware", "b"), ("make", "--hardware", "b", "x.json"), ("sign",), ("send", "x.pack"), ("pack",)])
def test_wrong_usage_is_said(fleet, words):
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", *words, check=False)
    assert done.returncode == 2 and "--help" in done.stderr
