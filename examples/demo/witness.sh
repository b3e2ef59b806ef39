# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # what `run` and the other parts of the demo have
# witness.sh -- somebody else who sees the signing log: what the demo's device wants to have proved.

# Its key is its own; it believes the log's key, and whoever wants its word believes its.
witness_comes() {
	witness_port=$(free_port)
	mkdir witness
	token_folder witness
	write witness/witness.ini '[witness]' 'name = witness.example.org' "listen = 127.0.0.1:$witness_port" \
		"logs = $work/witness/logs" "state = $work/witness/state" \
		'[token]' "$(grep -m 1 '^module' authority/rota.ini)" "environment = SOFTHSM2_CONF=$work/witness/softhsm2.conf" \
		'label = witness' 'key = witness' "pin_file = $work/witness/pin" "so_pin_file = $work/witness/so-pin"
	must cp authority/trust/log-policy witness/logs
	give_to rota-witness witness
	must rota-witness --make --config witness/witness.ini
	must rota-witness --key --config witness/witness.ini
	start_witness
	show sed -i "s|^quorum none|witness w $said http://127.0.0.1:$witness_port\\nquorum w|" authority/trust/log-policy
	sed -i "s|^quorum none|witness w $said http://127.0.0.1:$witness_port\\nquorum w|" authority/trust/log-policy
}

start_witness() {
	start witness.log rota-witness --config witness/witness.ini
	witness=$started
	until_true grep -q listening witness.log || fail "the witness does not start"
}

# Version 4 is held back until the witness saw it, and a device wants to see that it did.
nobody_saw_it() { # FILE
	local proof
	pack 4.0.0 "$1"
	must rota release add --version 4.0.0 "${release[@]}"
	must rota rollout set --version 4.0.0
	stop "$witness"
	must_not "role releases is held back" "a release that no witness saw was published" rota publish
	claim "a release nobody else saw" "not published while the witness is away: SPEC 22.6"
	start_witness
	must rota publish
	proof=$(basename authority/repo/targets/releases/sensor/4.0.0/*.release.json .release.json)
	proof=authority/repo/log/proofs/$proof.tlog-proof
	show cat "$proof"
	sed 's/^/    /' "$proof"
	must cp "$proof" proof-of-4
	# shellcheck disable=SC2016 # sed's own
	show sed -i '$d' "$proof"
	sed -i '$d' "$proof"
	refused "proof without the witness" proof "SPEC 22.5"
	must mv proof-of-4 "$proof"
}
