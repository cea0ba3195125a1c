#!/usr/bin/env bash
# A small client for bash 5, xxd and coreutils: rooms, sends, and a stream that goes on
# after any end. To be read rather than used: it takes milliseconds for what others do in microseconds.
#   client.sh room ROOM [PROFILE…] · client.sh send ROOM TEXT… · client.sh stream DEVICE STATEFILE
LC_ALL=C
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/wire.sh"
. "$here/stream.sh"
uri=${CHATD_URI:-tcp://127.0.0.1:7400} token=$CHATD_TOKEN
ANSWER_MS=5000
ending=

now() { NOW=$((10#${EPOCHREALTIME/./} / 1000)); }

pause() { # MILLISECONDS LEAST MOST: times a number by chance between these, in hundredths
  local ms=$(($1 * ($2 + RANDOM % ($3 - $2 + 1)) / 100))
  sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))" &
  wait $! # a signal ends it
}

make_id() { REPLY=$(xxd -l 16 -p /dev/urandom); } # 128 random bits (C9)

attempt() { # FRAME: one attempt on a connection of its own; the reply, or nothing
  local until
  now; until=$((NOW + ANSWER_MS)) # C4
  if open "$uri"; then
    say "$1"
    while now; ((NOW < until)); do
      hear 0.2
      case $? in
        0) get "$REPLY" 4; [[ $REPLY ]] && { close; return; } ;;
        2) break ;;
      esac
    done
    close
  fi
  REPLY=
}

call() { # METHOD ROOM REQUEST [REQUEST_ID]: repeated, byte by byte, until an answer is final (C5, C6, C7)
  local call wait=100 error reply frame
  int 1 1; call=$REPLY
  text 2 "$1"; call+=$REPLY
  field 3 "$3"; call+=$REPLY
  text 4 "$token"; call+=$REPLY
  text 6 "$2"; call+=$REPLY
  [[ $4 ]] && { text 20 "$4"; call+=$REPLY; }
  field 5 "$call"; frame=$REPLY
  while [[ ! $ending ]]; do
    attempt "$frame"; reply=$REPLY error=
    if [[ $reply ]]; then
      get "$reply" 3; error=$REPLY
      [[ $error ]] || { get "$reply" 2; return 0; }
      get_int "$error" 4
      ((REPLY)) || { get_text "$error" 2; echo "$REPLY" >&2; return 1; }
    fi
    get_int "$error" 5
    pause $((REPLY > wait ? REPLY : wait)) 100 120
    wait=$((wait * 2 < 5000 ? wait * 2 : 5000))
  done
  return 1
}

send() { # ROOM TEXT…
  local room=$1 one event
  shift
  for one; do # C11: one after the other
    text 3 "$one"; field 2 "$REPLY"; event=0a0474657874$REPLY # "text": its string
    field 1 "$event"; field 4 "$REPLY"; event=1801$REPLY    # the payload; type 1, MESSAGE
    make_id; text 1 "$REPLY"; event+=$REPLY
    text 2 "$room"; event+=$REPLY
    field 1 "$event"
    call ChatService/SendEvents "$room" "$REPLY" || return 1
    get "$REPLY" 1; get_int "$REPLY" 3
    printf 'sent\t%s\t%s\n' "$room" "$REPLY"
  done
}

room() { # ROOM PROFILE…
  local name=$1 request one
  text 1 "$name"; request=$REPLY
  shift
  for one; do text 3 "$one"; request+=$REPLY; done
  make_id
  call ChatService/CreateRoom "$name" "$request" "$REPLY" || return 1
  printf 'room\t%s\n' "$name"
}

trap ending=1 TERM INT
case $1 in
  room | send | stream) "$@" ;;
  *) sed -n 's/^#   //p' "$0" >&2; exit 2 ;;
esac
