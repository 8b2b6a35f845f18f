#!/bin/sh
# One repaint with oscsend, and what the bridge says to it, with oscdump (both in Debian's liblo-tools, brew's liblo).
#
#   ./repaint.sh song.wav 17-20 120
#
# BRIDGE_OSC_PORT is the server's port (9124), REPLY_PORT the one to listen on (9126).
set -eu
song=${1:?which song, under a folder the server knows}
bars=${2:?which bars, such as 17-20}
bpm=${3:-120}
port=${BRIDGE_OSC_PORT:-9124}
replies=${REPLY_PORT:-9126}

heard=$(mktemp)
oscdump -L "$replies" > "$heard" &
listener=$!
trap 'kill $listener 2>/dev/null; rm -f "$heard"' EXIT
sleep 1 # until oscdump listens

# Everything may be typed as a string. The id must be new each time: a repeated one is answered, not done twice.
oscsend 127.0.0.1 "$port" /bridge/repaint sssssssssss "shell-$$-$(date +%s)" source "$song" bars "$bars" bpm "$bpm" \
    takes 2 reply_port "$replies"

shown=0
while :; do
    lines=$(wc -l < "$heard")
    [ "$lines" -gt "$shown" ] && sed -n "$((shown + 1)),${lines}p" "$heard" && shown=$lines
    grep -q '/bridge/\(done\|failed\|cancelled\) ' "$heard" && break
    sleep 1
done
! grep -q '/bridge/\(failed\|cancelled\) ' "$heard"
