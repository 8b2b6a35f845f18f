#!/bin/sh
# Sends one repaint with oscsend and shows the replies with oscdump (both in Debian's liblo-tools, brew's liblo).
#
#   ./repaint.sh song.wav 17-20 120
#
# BRIDGE_OSC_PORT is the server's port (9124), REPLY_PORT the one to listen on (9126). After SILENCE seconds (300) without a word from the
# server it gives up.
set -eu
song=${1:?name a song in a folder of the server}
bars=${2:?give the bars, such as 17-20}
bpm=${3:-120}
port=${BRIDGE_OSC_PORT:-9124}
replies=${REPLY_PORT:-9126}
silence=${SILENCE:-300}

id=shell-$$-$(date +%s) # new each time: a repeated one gets the stored reply and renders nothing

received=$(mktemp)
oscdump -L "$replies" > "$received" &
listener=$!
trap 'kill $listener 2>/dev/null; rm -f "$received"' EXIT
sleep 1 # until oscdump listens

# Every value may be a string.
send() {
    oscsend 127.0.0.1 "$port" /bridge/repaint sssssssssss "$id" source "$song" bars "$bars" bpm "$bpm" \
        takes 2 reply_port "$replies"
}
send

# A busy machine may take seconds over its first reply: the request is sent again after 1, 3 and 7, and given up after 15.
seconds=0
heard=0
shown=0
while :; do
    if [ ! -s "$received" ]; then
        case $seconds in
            1 | 3 | 7) send ;;
            15) echo "The server is not responding. Start it with: takebridge serve" >&2 && exit 1 ;;
        esac
    fi
    lines=$(wc -l < "$received")
    if [ "$lines" -gt "$shown" ]; then
        sed -n "$((shown + 1)),${lines}p" "$received"
        shown=$lines
        heard=$seconds
    elif [ $((seconds - heard)) -ge "$silence" ]; then
        echo "The server has not said anything for $silence s. The job goes on if it still runs: takebridge jobs" >&2
        exit 1
    fi
    grep -q '/bridge/\(done\|failed\|cancelled\) ' "$received" && break
    sleep 1
    seconds=$((seconds + 1))
done
! grep -q '/bridge/\(failed\|cancelled\) ' "$received"
