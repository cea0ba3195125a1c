# Protobuf as strings of hexadecimal digits, and ZMTP 3.0 over a TCP connection of bash's own.
# Results are in REPLY: a subshell for each would take longer than all else.

varint() { # NUMBER
  local left=$1 part
  REPLY=
  while ((left > 127)); do
    printf -v part %02x $((left & 127 | 128))
    REPLY+=$part left=$((left >> 7))
  done
  printf -v part %02x "$left"
  REPLY+=$part
}

int() { # NUMBER VALUE: a field
  local tag
  varint $(($1 << 3)); tag=$REPLY
  varint "$2"; REPLY=$tag$REPLY
}

field() { # NUMBER HEX: a field of octets, or a message
  local tag
  varint $(($1 << 3 | 2)); tag=$REPLY
  varint $((${#2} / 2)); REPLY=$tag$REPLY$2
}

text() { # NUMBER TEXT: a field
  hex "$2"; field "$1" "$REPLY"
}

hex() { # TEXT
  REPLY=$(printf %s "$1" | xxd -p | tr -d '\n')
}

unhex() { # HEX: its text
  local at escaped=
  if ((${#1} > 400)); then # a process takes less time than so many turns
    REPLY=$(printf %s "$1" | xxd -r -p; echo .)
    REPLY=${REPLY%.}
    return
  fi
  for ((at = 0; at < ${#1}; at += 2)); do escaped+="\\x${1:at:2}"; done
  printf -v REPLY %b "$escaped"
}

_varint() { # of S at P
  local octet shift=0
  V=0
  while ((P < ${#S})); do
    octet=$((16#${S:P:2})) P=$((P + 2)) V=$((V | (octet & 127) << shift)) shift=$((shift + 7))
    ((octet > 127)) || break
  done
}

all() { # MESSAGE NUMBER: its fields of this number in ALL, each a number or hex
  local S=$1 P=0 V tag
  ALL=()
  while ((P < ${#S})); do
    _varint; tag=$V
    case $((tag & 7)) in
      0) _varint; ((tag >> 3 == $2)) && ALL+=("$V") ;;
      1) P=$((P + 16)) ;;
      2) _varint; ((tag >> 3 == $2)) && ALL+=("${S:P:2*V}"); P=$((P + 2 * V)) ;;
      5) P=$((P + 8)) ;;
      *) return 1 ;;
    esac
  done
}

get() { # MESSAGE NUMBER: the last such field, or nothing
  all "$1" "$2"
  REPLY=
  ((${#ALL[@]})) && REPLY=${ALL[-1]}
  return 0
}

get_int() { get "$1" "$2"; REPLY=${REPLY:-0}; }
get_text() { get "$1" "$2"; unhex "$REPLY"; }

open() { # tcp://HOST:PORT
  local address=${1#tcp://}
  { exec 3<>"/dev/tcp/${address%:*}/${address##*:}"; } 2>/dev/null || return 1
  exec 4< <(stdbuf -oL xxd -p -c 1 <&3)
  reader=$! is_greeted=
  { printf 'ff00000000000000007f03004e554c4c%096d' 0
    printf '041c0552454144590b536f636b65742d54797065000000064445414c4552'; } | xxd -r -p >&3
}

close() {
  { exec 3>&- 4<&-; kill "${reader:-0}" && wait "$reader"; } 2>/dev/null
  reader=
}

say() { # FRAME
  printf '02%016x%s' $((${#1} / 2)) "$1" | xxd -r -p 2>/dev/null >&3
}

_octets() { # COUNT
  local lines
  mapfile -t -n "$1" -u 4 lines
  printf -v REPLY %s "${lines[@]}"
  ((${#lines[@]} == $1))
}

hear() { # SECONDS: 0 and a frame; 1: none yet; 2: the connection has ended
  local flags size
  if [[ ! $is_greeted ]]; then
    read -r -t "$1" -u 4 flags || return $(($? > 128 ? 1 : 2))
    _octets 63 || return 2
    is_greeted=1
  fi
  read -r -t "$1" -u 4 flags || return $(($? > 128 ? 1 : 2))
  flags=$((16#$flags))
  _octets $((flags & 2 ? 8 : 1)) || return 2
  size=$((16#$REPLY)) REPLY=
  ((size == 0)) || _octets "$size" || return 2
  ((flags & 4)) || return 0
  hear "$1" # it was a command
}
