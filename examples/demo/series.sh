# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # what `run` and the other parts of the demo have
# series.sh -- chapters of the demo: online keys that live for hours, and what is done when some are stolen.

# The keeper has a token, a user and a clock of its own, and believes two officers.
keeper_comes() {
	mkdir -p keeper/kept keeper/run
	token_folder keeper
	write keeper/keeper.ini '[keeper]' "dir = $work/keeper/kept" "socket = $work/keeper/run/socket" 'product = sensor' \
		"client = $(id -u)" '[token]' "$(grep -m 1 '^module' authority/rota.ini)" \
		"environment = SOFTHSM2_CONF=$work/keeper/softhsm2.conf" 'label = keeper' "pin_file = $work/keeper/pin" \
		"so_pin_file = $work/keeper/so-pin" \
		'[officer anna]' "$(sed -n '/^\[officer anna/{n;p}' authority/rota.ini)" \
		'[officer bert]' "$(sed -n '/^\[officer bert/{n;p}' authority/rota.ini)"
	chmod 700 keeper/kept
	give_to rota-signd keeper
	must rota-signd --keeper "$work/keeper/keeper.ini" --make
	start keeper.log rota-signd --keeper "$work/keeper/keeper.ini"
	until_true grep -q ready keeper.log || fail "the keeper does not start"
	append authority/rota.ini '' '[series]' "keeper = $work/keeper/run/socket"
}

has_come() { # SECOND
	[ "$(date +%s)" -ge "$1" ]
}

keys_of_hours() {
	local begins
	keeper_comes
	begins=$(($(date +%s) + 3)) # time enough to sign them
	must rota series make --slots 2 --period 2h --from "$(date -u -d "@$begins" +%Y-%m-%dT%H:%M:%SZ)" --yes
	until_true has_come "$begins" || fail "the clock stands still"
	must rota publish
	must rota series show
	expect "2 .*current" "slot 2 has not begun"
	expect "3 .*sealed" "slot 3 is not sealed"
	must rota-agent --config device/agent.ini --once
	expect '^trusted role=root version=2' "the device does not see the change of keys"
	expect '^trusted role=timestamp' "the device does not take what the new pair signed"
	must ls authority/series keeper/kept
	[ ! -e authority/series/3.pin ] || fail "the PIN of slot 3 is on the signing machine"
	claim "a pair for two hours" "the device has gone to it; the next one is sealed, SPEC 23.4"
}

# A copy of all that is there, but what a token asks a PIN for: of these he has the one of this hour's pair.
thief_copies() {
	must cp -a authority stolen
	rm -r stolen/signd stolen/signd.ini stolen/series stolen/tokens/*/pin
	must cp authority/series/2.pin stolen/slot.pin
	sed -i -e '/^signd = /d' -e '/^\[log\]/,/^public/d' -e '/^\[series\]/,/^keeper/d' \
		-e 's/^signers = online:timestamp/signers = slot:timestamp-2/' \
		-e 's/^signers = online:snapshot/signers = slot:snapshot-2/' stolen/rota.ini
	append stolen/rota.ini '' '[token slot]' "$(grep -m 1 '^module' authority/rota.ini)" 'label = series-2' \
		'pin_file = slot.pin' 'environment = SOFTHSM2_CONF=tokens/online/softhsm2.conf' 'online = yes'
	must rota --dir stolen publish
}

# His repository in the place of ours, before the device's eyes.
he_shows() { # COMMAND...
	mv authority/repo true-repo
	cp -r stolen/repo authority/repo
	"$@"
	rm -r authority/repo
	mv true-repo authority/repo
}

device_takes_it() {
	must rota-agent --config device/agent.ini --once
	expect '^trusted role=timestamp' "the thief's timestamp is not taken, so there is nothing to end"
}

series_is_stolen() {
	thief_copies
	he_shows device_takes_it
	must rota series end --ask emergency --reason "a stranger was on the signing machine"
	must_not "0 of 2 officers" "the keeper gives all to nobody" rota series end --approved emergency --yes
	must rota series approve --yes --token officer emergency
	must rota series approve --yes --token releases-1 emergency
	must rota series end --approved emergency --yes
	[ ! -e keeper/kept/3.pin ] || fail "the keeper has the PIN of slot 3 still"
	must rota publish
	must rota-agent --config device/agent.ini --once
	expect '^trusted role=root version=5' "the device does not go to the root that ends the series"
	must rota series show
	claim "two officers end it" "the device is at root 5; the pairs to come exist no more: SPEC 23.9"
	he_shows refused "this hour's pair, stolen" timestamp "TUF 5.4.2"
}
