#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# heartbeat.sh DEVICE -- a health check for rota-agent: 0 once the program that rota-boot runs from DEVICE has
# written its heartbeat since it was started, 1 when it has not done so for ten seconds.
set -eu

[ $# -eq 1 ] || {
	echo "usage: heartbeat.sh DEVICE" >&2
	exit 2
}
tries=0
while [ "$tries" -lt 100 ]; do
	[ -z "$(find "$1/run/heartbeat" -newer "$1/run/booted" 2>/dev/null)" ] || exit 0
	tries=$((tries + 1))
	sleep 0.1
done
echo "heartbeat.sh: no heartbeat in $1/run since the start" >&2
exit 1
