# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # what `run` and the other parts of the demo have
# rotation.sh -- chapters of the demo: three devices with keys in their TPMs, and data keys that are replaced while in use.

field='1 2 3' # devices
readings=150  # of each
declare -A tpm_of

# --- the line ---

# Who makes data keys holds a token, and in it the key of the registry. He sees no network, and is no part of the server.
seald_comes() {
	mkdir -p seald/inbox seald/outbox
	token_folder seald
	token_lines=("$(grep -m 1 '^module' authority/rota.ini)" "environment = SOFTHSM2_CONF=$work/seald/softhsm2.conf"
		'label = seald' "pin_file = $work/seald/pin")
	write seald/seald.ini '[seald]' 'product = sensor' 'lock = no' "state = $work/seald/state" \
		"signd = $work/authority/signd/socket" "inbox = $work/seald/inbox" "outbox = $work/seald/outbox" \
		"authority = $work/authority" '[token]' "${token_lines[@]}" "so_pin_file = $work/seald/so-pin"
	must rota-seald make --config seald/seald.ini
	seal_to=$(sed -n 's/.*factory secrets are sealed to \([0-9a-f]*\).*/\1/p' <<<"$said")
	[ -n "$seal_to" ] || fail "rota-seald has no point for factory secrets"
}

rule() { # NAME WHO ROLE LINE...
	lines+=("[rule $1]" "who = $2" 'scope = sensor' "role = $3" "${@:4}")
}

# As root rotad is another user, whom the daemon knows already.
line_opens() {
	local lines=() token_lines
	must rota keys make --token ca --label station --use station
	show sed -i '/^\[token ca\]/,/^$/s/^online = no/online = yes/' authority/rota.ini
	sed -i '/^\[token ca\]/,/^$/s/^online = no/online = yes/' authority/rota.ini
	append authority/rota.ini '' '[keys station]' 'signers = ca:station' \
		'[fleet]' "database = $work/serve/rotad/fleet.sqlite" "operators = $work/serve/desk/operators.sock"
	seald_comes
	rule births desk device-ca 'kinds = certificate'
	rule logins desk operational-ca 'kinds = certificate' 'lifetime = 30d'
	rule rows desk registry 'kinds = rows'
	[ "$(id -u)" -ne 0 ] || rule rows-of-statements server registry 'kinds = rows'
	rule data-keys desk keys-store 'kinds = campaign' 'approvals = 1' 'approvers = anna'
	append authority/signd.ini '' "${lines[@]}" '[registry sensor]' "key = $work/seald/state/registry.key" \
		"${token_lines[@]}"
	serve_anew
}

make_device() { # NUMBER
	start_tpm "tpm-$1"
	tpm_of[$1]=$tpm_at
	field_pids+=("$started")
	must rota factory station --hardware board-a --serial "SN-100$1" --batch spring --batch-size 3 --secrets "$seal_to" \
		--image payload-4.0.0.img --repository-url "https://localhost:$repo/repo" \
		--server-url "https://localhost:$device" -- rota-agent factory --at "$work/field-$1" \
		--root-of-trust tpm --tpm "${tpm_of[$1]}" --image payload-4.0.0.img --slot-size "$slot_mib"
	append "field-$1/agent.ini" '' '[vault records]' "path = $work/field-$1/records"
	give_to rota-agent "field-$1"
	start "boot-$1.log" rota-boot --device "$work/field-$1" --tpm "${tpm_of[$1]}" --supervise
	field_pids+=("$started")
	until_true test -s "field-$1/run/booted" || fail "device $1 does not boot"
}

polls() { # NUMBER
	run rota-agent --config "field-$1/agent.ini" --once
	[ "$status" -eq 0 ] || fail "device $1: the agent's status is $status, not 0"
	! says '^warning .*step=keys' || fail "device $1: something is wrong with its data keys"
}

devices_are_made() {
	local n
	field_pids=()
	line_opens
	for n in $field; do make_device "$n"; done
	must rota factory check
	must rota factory enlist
	must rota-seald secrets --enrolments authority/enrolments --device-ca authority/ca/device-ca.pem \
		--config seald/seald.ini
	for n in $field; do polls "$n"; done
	! grep -rq "PRIVATE KEY" field-* || fail "a private key is in a file of a device"
	claim "three devices more" "their keys are in TPMs and in no file" "SPEC 28.3"
}

# --- a campaign ---

# A thief on the signing machine has the online key of the role, and no officer.
online_key_alone() { # FILE
	must_not "1 of 2" "the online key alone lists keys of storage" rota repo import "$1"
	claim "stolen: keys-store, online" "lists no campaign alone: it takes the officer's key, too" "SPEC 3.2"
}

# People sign the list of such keys: the officer's token, and the online one.
people_list_it() { # FILE
	must rota repo export --role keys-store "$1"
	[ "$1" != keys-2 ] || online_key_alone "$1"
	brief=$seen must rota repo sign --yes --token officer "$1"
	must rota repo import "$1"
}

# rotad gets the bundles, which only their devices open, and what shows that a device has opened one.
bring_to_rotad() {
	local folder=serve/rotad/keys/campaigns
	must cp "seald/outbox/$campaign.0.confirm" "seald/outbox/$campaign.0.keys" "$folder/"
	[ "$(id -u)" -ne 0 ] || chown rota-ingest: "$folder"/*
}

# From the request to the list that devices read; leaves its id in $campaign. What people read before they sign is shown once.
campaign_for_all() { # GENERATION REASON
	local seen=
	[ "$1" -eq 1 ] || seen=yes
	must rota campaign new --purpose storage --devices all --reason "$2" --stages 1000000@0s --activation 0s
	campaign=$(head -n 1 <<<"$said")
	expect "storage generation $1 for 3 devices" "the campaign is not for generation $1 of three devices"
	expect 'waits for approvals' "data keys of storage were approved by nobody"
	brief=$seen must rota approve --yes --token officer "$campaign"
	must rota campaign list
	must cp "authority/campaigns/$campaign.export" seald/inbox/
	must rota-seald run --once --config seald/seald.ini
	expect '3 devices, .* 0 without a psk' "who steals the key that lists campaigns could give a device a key of his own"
	bring_to_rotad
	people_list_it "keys-$1"
}

# What the daemon made of a proof; the next bundle is sealed under what was proved.
rows_say() { # GENERATION DEVICES
	local hex
	hex=$(printf '%02X000000' "$1")
	[ "$(database "select count(*) from registry where hex(substr(\"row\", 193, 4)) = '$hex'")" -ge "$2" ]
}

has_proved() { # GENERATION DEVICES
	until_true rows_say "$@" || fail "the registry does not have $2 proofs of generation $1"
}

holds() { # NUMBER KEYS
	printf '  $ rota-agent status --config field-%s/agent.ini | grep ^key\n' "$1"
	as_whom rota-agent
	said=$("${how[@]}" rota-agent status --config "field-$1/agent.ini" | grep '^key')
	printf '    %s\n' "$said"
	expect "^key storage  *$2\$" "device $1 does not hold: $2"
}

# A program of the device, which has no key: rota-agent keeps records for it.
recorder() { must "$examples/recorder" "field-$1/agent.ini" records "${@:2}"; }

first_keys() {
	local n
	campaign_for_all 1 "what sensors measured is to be sealed"
	for n in $field; do polls "$n"; done
	has_proved 1 3
	must rota campaign status "${campaign:0:12}"
	expect '100 % of 3 devices' "not all devices proved the first key"
	for n in $field; do recorder "$n" fill "$readings"; done
	sealed_with 1 1
	claim "data keys for three" "approved by an officer, one signature each; sealed to each TPM, proved: SPEC 33, 35"
}

# --- the next key ---

# What a broken-into rotad could do: each bundle lies in the place of another device's. From byte 22 on (SPEC 33.1) it is sealed;
# bundles begin at 262276 (33.4), so places and the tree stay what they are.
another_devices_bundle() {
	local file=serve/rotad/keys/campaigns/$campaign.0.keys n words
	must cp "$file" good-bundles
	for n in 0 1 2; do
		words=(dd if=good-bundles "of=$file" bs=1 count=129 "skip=$((262276 + n * 151 + 22))"
			"seek=$((262276 + (n + 1) % 3 * 151 + 22))" conv=notrunc status=none)
		must "${words[@]}"
	done
	run rota-agent --config field-1/agent.ini --once
	expect '^warning step=keys clause="SPEC 33.7"' "another device's bundle was taken"
	holds 1 'active 1 proved 1 oldest 1'
	must cp good-bundles "$file"
	claim "another device's bundle" "refused, and the old key goes on" "SPEC 33.7"
}

all_were_read() { # NUMBER
	expect "^0 of $readings wait to be sealed anew; .* each of them right" "device $1: a reading was not read"
}

sealed_with() { # NUMBER GENERATION
	must rota-agent vault --config "field-$1/agent.ini"
	expect "generation $2 .*$readings records, active" "the readings of device $1 are not sealed with generation $2"
}

read_while_rewritten() { # NUMBER GENERATION
	recorder "$1" rewrite "$readings"
	all_were_read "$1"
	sealed_with "$1" "$2"
}

# What a thief may have copied long ago, and what that is worth as long as the key is there.
disk_is_copied() {
	must cp -a field-1 disk-of-1
	show sed -i s/field-1/disk-of-1/ disk-of-1/agent.ini
	sed -i s/field-1/disk-of-1/ disk-of-1/agent.ini
	must "$examples/recorder" disk-of-1/agent.ini records get 7
}

# Device 1 reads before, while and after its agent changes the key.
keys_change_in_use() {
	start watch.log "$examples/recorder" field-1/agent.ini records watch "$readings"
	polls 1
	ended "$started" || fail "device 1: a reading was not read while the key was changed: $(cat watch.log)"
	said=$(cat watch.log)
	sed 's/^/    /' watch.log
	all_were_read 1
	sealed_with 1 2
}

next_key() {
	local n
	disk_is_copied
	campaign_for_all 2 "as every year"
	another_devices_bundle
	keys_change_in_use
	for n in 2 3; do polls "$n"; done
	has_proved 2 3
	holds 3 'active 2 proved 2 oldest 1'
	must rota-agent vault --config field-2/agent.ini
	expect "$readings wait to be rewritten" "there is nothing to rewrite"
	read_while_rewritten 2 2
	recorder 3 get 7
	claim "rotated in use" "$((2 * readings)) readings sealed anew, and read all the time: SPEC 36.5"
}

# --- the end of the old one ---

retire=(rota campaign retire --purpose storage --generation 1)

somebody_needs_it() {
	local n
	campaign_for_all 3 "as every year"
	for n in 1 2; do
		polls "$n"
		read_while_rewritten "$n" 3
		polls "$n"
	done
	has_proved 3 2
	must rota campaign status "${campaign:0:12}"
	expect ' 66 % of 3 devices' "not two of three devices have proved generation 3"
	must_not 'SN-1003' "a key was retired that a device needs" "${retire[@]}"
	expect '^ *[0-9a-f]* *newest' "device 3 does not count as one that takes part still"
	claim "the old key, too early" "not retired: device 3 sleeps, and needs it; SPEC 38.2"
}

needs_only_records() { # NUMBER
	[ "$(database "select count(*) from holdings where purpose = 3 and proved = 3 and needed_from = 1")" -eq 1 ]
}

nobody_needs_it() {
	[ "$(database "select count(*) from holdings where purpose = 3 and needed_from < 3")" -eq 0 ]
}

the_last_report() {
	polls 3
	has_proved 3 3
	until_true needs_only_records || fail "the registry does not know of device 3's records"
	must_not "$readings records  *SN-1003" "a key was retired that records need" "${retire[@]}"
	read_while_rewritten 3 3
	must_not "1 devices need" "a key was retired before the last device said so" "${retire[@]}"
	polls 3
	until_true nobody_needs_it || fail "the last report did not reach the registry"
	must "${retire[@]}"
	must rota publish
	claim "the last report" "device 3 has none left; two of its people retire the key: SPEC 38.1"
}

destroyed() {
	local n
	for n in $field; do
		polls "$n"
		holds "$n" 'active 3 proved 3 oldest 2'
	done
	recorder 1 get 7
	must_not 'expired' "a key that was destroyed opens a reading" \
		"$examples/recorder" disk-of-1/agent.ini records get 7
	claim "the old key destroyed" "an old copy of the disk opens nothing, in its own device: SPEC 34.3"
	for n in "${field_pids[@]}"; do stop "$n"; done
}
