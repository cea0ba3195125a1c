# The loop of "Write a client" in PROTOCOL.md.
FIRST_PAUSE=100 LAST_PAUSE=5000 WELCOME_MS=5000 ACK_MS=50

load() { # log, newest, and of each room the seq and id shown; ids hold no white space, so words do
  local kind one other more
  declare -gA shown=() ids=() replays=() lost=()
  log= newest=()
  [[ -e $file ]] || return 0
  while read -r kind one other more; do
    case $kind in
      log) log=$one ;;
      newest) newest=("$one" "$other" $more) ;;
      shown) shown[$one]=$other ids[$one]=$more ;;
    esac
  done <"$file"
}

save() { # D1
  local one
  {
    echo "log $log"
    ((${#newest[@]})) && echo "newest ${newest[*]}"
    for one in "${!shown[@]}"; do echo "shown $one ${shown[$one]} ${ids[$one]}"; done
  } >"$file.new"
  sync "$file.new" && mv "$file.new" "$file"
}

say_hello() {
  local hello shown_event
  text 1 "$token"; hello=$REPLY
  text 3 "$device"; hello+=$REPLY
  int 6 1; hello+=$REPLY
  text 7 "shell example"; hello+=$REPLY
  int 9 1; hello+=$REPLY # signals, which it passes over
  if ((${#newest[@]})); then # L3
    text 1 "$log"; shown_event=$REPLY
    text 2 "${newest[0]}"; shown_event+=$REPLY
    int 3 "${newest[1]}"; shown_event+=$REPLY
    text 4 "${newest[2]}"; shown_event+=$REPLY
    field 11 "$shown_event"; hello+=$REPLY
  fi
  now; ordinal=$((NOW > ordinal ? NOW : ordinal + 1))
  int 13 $((is_overtaken ? 0 : ordinal)); hello+=$REPLY # H10
  int 30 $((++hello_id)); hello+=$REPLY
  field 1 "$hello"; say "$REPLY"
}

acknowledge() {
  local ack one
  ((count > acked)) || return 0
  acked=$count unacked=0
  int 1 "$acked"; ack=$REPLY
  int 30 "$epoch"; field 2 "$ack$REPLY"; say "$REPLY"
  now; said=$NOW
  for one in "${!replays[@]}"; do ((replays[$one] <= acked)) && unset "replays[$one]"; done
}

know() { # URI [first]: an address with a key needs CURVE, which is not here
  local one others=()
  [[ $1 == *'#'* ]] && return
  for one in "${gateways[@]}"; do [[ $one == "$1" ]] || others+=("$one"); done
  if [[ $2 ]]; then gateways=("$1" "${others[@]}")
  elif ((${#others[@]} == ${#gateways[@]})); then gateways+=("$1"); fi
}

on_welcome() { # WELCOME
  local name one
  get_text "$1" 11; name=$REPLY
  get_int "$1" 12
  if [[ $log && $log != "$name" ]] || ((REPLY)); then # L2, L5
    for one in "${!shown[@]}"; do lost[$one]="${shown[$one]} ${ids[$one]}"; done
    shown=() ids=() replays=() newest=()
  fi
  log=$name
  is_overtaken=0
  get_int "$1" 1; epoch=$REPLY
  get_int "$1" 4; interval=$REPLY
  get_int "$1" 5; window=$REPLY
  get_int "$1" 6; window_octets=$REPLY
  all "$1" 10
  for one in "${ALL[@]}"; do unhex "$one"; know "$REPLY"; done # T9
  ask_lost
}

ask_lost() { # what is gone of that which was shown of an earlier log? (L7)
  local one seq id mark marks=
  asked=()
  for one in "${!lost[@]}"; do
    ((${#asked[@]} < 1000)) || break
    asked+=("$one")
    read -r seq id <<<"${lost[$one]}"
    text 1 "$one"; mark=$REPLY
    int 2 "$seq"; mark+=$REPLY
    text 3 "$id"; mark+=$REPLY
    field 1 "$mark"; marks+=$REPLY
  done
  [[ $marks ]] || return 0
  int 1 $((++call_id)); mark=$REPLY
  text 2 ChatService/FindRewound; mark+=$REPLY
  field 3 "$marks"; field 5 "$mark$REPLY"; say "$REPLY"
}

on_lost() { # REPLY
  local one room head
  get_int "$1" 1; ((REPLY == call_id)) || return 0
  get "$1" 3; get_int "$REPLY" 4; ((REPLY)) && return 0 # then the next connection asks
  for one in "${asked[@]}"; do unset "lost[$one]"; done
  get "$1" 2; all "$REPLY" 1
  for one in "${ALL[@]}"; do
    get_text "$one" 1; room=$REPLY
    get_int "$one" 2; head=$REPLY
    get_int "$one" 3; echo "$room went back from $REPLY to $head" >&2
  done
  ask_lost
}

text_of() { # PAYLOAD: the string that stands under "text", with ? for what may harm a terminal
  local entry
  all "$1" 1
  for entry in "${ALL[@]}"; do
    get "$entry" 1
    [[ $REPLY == 74657874 ]] || continue
    get "$entry" 2; get "$REPLY" 3; unhex "$REPLY"
    REPLY=${REPLY//[$'\x01'-$'\x1f'$'\x7f']/?}
    REPLY=${REPLY//$'\xc2'[$'\x80'-$'\x9f']/?}
    REPLY=${REPLY//$'\xd8\x9c'/?}
    REPLY=${REPLY//$'\xe2\x80'[$'\x8e\x8f\xa8'-$'\xae']/?}
    REPLY=${REPLY//$'\xe2\x81'[$'\xa6'-$'\xaf']/?}
    REPLY=${REPLY//$'\xef\xbf'[$'\xb9'-$'\xbb']/?}
    return
  done
  REPLY=
}

on_delivery() { # DELIVERY
  local event room seq skipped is_replay first
  get "$1" 1; event=$REPLY
  get_text "$event" 2; room=$REPLY
  get_int "$event" 3; seq=$REPLY
  get "$1" 6; skipped=$REPLY
  get_int "$1" 7; is_replay=$REPLY
  ((++count)) # W1
  if ((is_replay)); then # R8
    [[ ${replays[$room/$seq]} ]] || { get "$1" 3; text_of "$REPLY"; printf 'replay\t%s\t%s\t%s\n' "$room" "$seq" "$REPLY"; }
    replays[$room/$seq]=$count
    return
  fi
  ((seq > ${shown[$room]:-0})) || return # O3
  shown[$room]=$seq ids[$room]=
  if [[ $skipped ]]; then
    get_int "$skipped" 1; first=$REPLY
    get_int "$skipped" 2; printf 'marker\t%s\t%s\t%s\n' "$room" "$first" "$REPLY"
    return
  fi
  get "$1" 3; text_of "$REPLY"; printf 'event\t%s\t%s\t%s\n' "$room" "$seq" "$REPLY"
  get_text "$event" 1; ids[$room]=$REPLY
  get_int "$event" 6
  if [[ ! ${newest[0]} || ${newest[0]} == "$room" ]] || ((newest[3] <= REPLY)); then
    newest=("$room" "$seq" "${ids[$room]}" "$REPLY")
  fi
}

on_refused() { # ERROR: 0: the stream ends well, 1: it ends, 3: come again, not before $after ms (E1, E5)
  local retry code
  get_int "$1" 1; code=$REPLY
  get_int "$1" 4; retry=$REPLY
  get_int "$1" 5; after=$REPLY
  ((code == 609)) && is_overtaken=1
  ((code)) || return 0
  ((retry)) && return 3
  get_text "$1" 2; echo "$code $REPLY" >&2
  return 1
}

on_frame() { # FRAME: 4: the stream goes on, else as on_refused
  local part one error id code
  all "$1" 1
  if ((epoch && ${#ALL[@]})); then
    for one in "${ALL[@]}"; do on_delivery "$one"; done
    save
    has_brought=1
    now
    ((unacked)) || unacked_since=$NOW
    unacked=$((unacked + ${#1} / 2))
    ((4 * (count - acked) >= window || 4 * unacked >= window_octets)) && acknowledge # W4
    return 4
  fi
  get "$1" 2; part=$REPLY
  if [[ $part ]]; then
    get_int "$part" 30
    ((REPLY == hello_id)) && on_welcome "$part" # I2
    return 4
  fi
  get "$1" 4; part=$REPLY
  if [[ $part ]]; then
    on_lost "$part"
    return 4
  fi
  get "$1" 5; part=$REPLY
  if [[ $part ]]; then
    get "$part" 1; error=$REPLY
    get_int "$part" 30; id=$REPLY
    get_int "$error" 1; code=$REPLY
    ((id != 0 && id != hello_id || id == 0 && code == 104 && !epoch)) && return 4 # I2, I3
    all "$part" 2
    for one in "${ALL[@]}"; do unhex "$one"; know "$REPLY" first; done # H6
    on_refused "$error"
    return
  fi
  get "$1" 6; error=$REPLY
  get_int "$error" 30
  [[ $error ]] && ((REPLY == hello_id)) || return 4
  on_refused "$error"
}

follow() { # one connection, from Hello to its end; as on_refused
  local outcome=4 began said_bye=
  epoch=0 count=0 acked=0 unacked=0 after=0
  now; began=$NOW heard=$NOW said=$NOW asked=$NOW
  open "${gateways[0]}" || return 3
  say_hello
  while ((outcome == 4)); do
    hear 0.05
    case $? in
      0) on_frame "$REPLY"; outcome=$?; now; heard=$NOW ;; # being busy is no silence
      2) outcome=3 ;;
    esac
    now
    ((outcome == 4 && NOW - heard > (epoch ? 3 * interval : WELCOME_MS))) && outcome=3 # H3
    ((outcome == 4)) && [[ $ending ]] && ((!epoch)) && outcome=3
    ((outcome == 4 && epoch)) || continue
    if [[ $ending && ! $said_bye ]]; then # H8
      acknowledge
      int 30 "$epoch"; field 4 "$REPLY"; say "$REPLY"
      said_bye=1
    fi
    ((count > acked && NOW - unacked_since >= ACK_MS)) && acknowledge
    quiet=$((heard > asked ? heard : asked))
    if ((NOW - (said < quiet ? said : quiet) >= interval / 2)); then # H1, H2
      say 1a020801
      said=$NOW asked=$NOW
    fi
  done
  close
  ((epoch && NOW - began > LAST_PAUSE)) && has_brought=1
  return $outcome
}

stream() { # DEVICE STATEFILE
  local wait=$FIRST_PAUSE tried outcome
  device=$1 file=$2 gateways=("$uri") hello_id=0 call_id=0 ordinal=0 is_overtaken=0
  load
  while :; do
    tried=${gateways[0]} has_brought=
    follow; outcome=$?
    [[ $ending ]] && return 0
    ((outcome == 3)) || return $outcome
    [[ $has_brought ]] && wait=$FIRST_PAUSE
    [[ ${gateways[0]} == "$tried" ]] && gateways=("${gateways[@]:1}" "$tried") # the next one that is known
    if ((after > wait)); then pause "$after" 100 120; else pause "$wait" 50 100; fi # H7
    [[ $ending ]] && return 0
    wait=$((2 * wait < LAST_PAUSE ? 2 * wait : LAST_PAUSE))
  done
}
