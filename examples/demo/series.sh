# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # what `run` and the other parts of the demo have
# series.sh -- chapters of the demo: online keys that live for hours, and what is done when some are stolen.

# The keeper has a token, a user and a clock of its own, and believes two officers.
keeper_comes() {
	mkdir -p keeper/kept keeper/run
	token_folder keeper
	write keeper/keeper.ini '[keeper]' "dir = $work/keeper/kept" "socket = $work/keeper/run/socket" 'product = sensor' \
		"client = $(id -u)" "daemon = $(id -u)" '[token]' "$(grep -m 1 '^module' authority/rota.ini)" \
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
	serve_anew
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
	expect '^2.pin' "the keeper does not have the PIN of slot 2"
	[ -z "$(find authority -name '*.pin')" ] || fail "a slot's PIN is in a file of the signing machine"
	claim "a pair for two hours" "the device has gone to it; no PIN of it is in a file here, SPEC 23.11"
}

# A copy of the whole disk, but PINs: of the pair of this hour there was none on it.
thief_copies() {
	must cp -a authority stolen
	rm -r stolen/signd stolen/signd.ini stolen/series stolen/tokens/*/pin
	echo 1234 >stolen/guess
	chmod 600 stolen/guess
	sed -i -e '/^signd = /d' -e '/^\[log\]/,/^public/d' -e '/^\[series\]/,/^keeper/d' \
		-e 's/^signers = online:timestamp/signers = slot:timestamp-2/' \
		-e 's/^signers = online:snapshot/signers = slot:snapshot-2/' stolen/rota.ini
	append stolen/rota.ini '' '[token slot]' "$(grep -m 1 '^module' authority/rota.ini)" 'label = series-2' \
		'pin_file = guess' 'environment = SOFTHSM2_CONF=tokens/online/softhsm2.conf' 'online = yes'
	must_not "PIN" "a copy of the disk signs" rota --dir stolen publish
	claim "the disk, copied" "signs nothing: the PIN of this hour's pair is not on it"
}

# What the pair of this hour signed: the newest timestamp, without the other signature of an hour in which two pairs sign.
signed_by_the_pair() {
	local pair
	pair=$(sed -E 's/.*"timestamp":\{"keyids":\["([0-9a-f]+)".*/\1/' authority/repo/metadata/2.root.json)
	sed -E "s/\"signatures\":\[.*(\{\"keyid\":\"$pair\",\"sig\":\"[0-9a-f]+\"\}).*\],\"signed\"/\"signatures\":[\1],\"signed\"/" \
		authority/repo/metadata/timestamp.json
}

series_is_stolen() {
	thief_copies
	signed_by_the_pair >timestamp-of-the-pair
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
	cp authority/repo/metadata/timestamp.json new-timestamp.json
	cp timestamp-of-the-pair authority/repo/metadata/timestamp.json
	refused "what that pair signed" timestamp "TUF 5.4.2"
	cp new-timestamp.json authority/repo/metadata/timestamp.json
}
