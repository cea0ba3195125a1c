// As much of protobuf as this client needs: a table for each message, name → [number, type].
// Types: "string", "bytes", "int", "bool", another table; [type] is a repeated field.
"use strict"

const encodeVarint = (value) => {
  const octets = []
  let left = BigInt.asUintN(64, BigInt(value))
  for (; left > 0x7fn; left >>= 7n) octets.push(Number(left & 0x7fn) | 0x80)
  return Buffer.from([...octets, Number(left)])
}

function encode(table, message) {
  const parts = []
  for (const [name, value] of Object.entries(message)) {
    const [number, declared] = table[name]
    const type = Array.isArray(declared) ? declared[0] : declared
    for (const one of Array.isArray(declared) ? value : [value]) {
      if (type === "int" || type === "bool") {
        parts.push(encodeVarint(number << 3), encodeVarint(type === "bool" ? (one ? 1 : 0) : one))
      } else {
        const body = typeof type === "object" ? encode(type, one) : Buffer.from(one)
        parts.push(encodeVarint((number << 3) | 2), encodeVarint(body.length), body)
      }
    }
  }
  return Buffer.concat(parts)
}

function decode(table, octets) {
  const message = {}
  for (const [name, [, type]] of Object.entries(table)) {
    if (Array.isArray(type)) message[name] = []
    else if (type === "string") message[name] = ""
    else if (type === "int") message[name] = 0
    else if (type === "bool") message[name] = false
  }
  const names = Object.fromEntries(Object.entries(table).map(([name, [number, type]]) => [number, [name, type]]))
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      if (at >= octets.length) throw new Error("a message is cut")
      const octet = octets[at++]
      value |= BigInt(octet & 0x7f) << shift
      if (octet < 0x80) return Number(BigInt.asIntN(64, value)) // seqs and times stay below 2^53
    }
  }
  while (at < octets.length) {
    const tag = varint()
    let value
    if ((tag & 7) === 0) value = varint()
    else if ((tag & 7) === 2) {
      const size = varint()
      if (at + size > octets.length) throw new Error("a message is cut")
      value = octets.subarray(at, (at += size))
    } else at += (tag & 7) === 1 ? 8 : 4
    const [name, declared] = names[tag >>> 3] ?? [] // V1: others are passed over
    if (name === undefined || value === undefined) continue
    const type = Array.isArray(declared) ? declared[0] : declared
    if (typeof type === "object") value = decode(type, value)
    else if (type === "string") value = value.toString()
    else if (type === "bool") value = value !== 0
    if (Array.isArray(declared)) message[name].push(value)
    else message[name] = value
  }
  return message
}

const table = {}
table.Value = { string_value: [3, "string"] }
table.Struct = { fields: [1, [{ key: [1, "string"], value: [2, table.Value] }]] }
table.Link = {
  event_id: [1, "string"], room_id: [2, "string"], seq: [3, "int"], sender_id: [4, "string"],
  type: [5, "int"], sent_at_us: [6, "int"],
}
table.Delivery = {
  event: [1, table.Link], payload: [3, table.Struct], replay: [7, "bool"],
  skipped: [6, { first_seq: [1, "int"], last_seq: [2, "int"] }],
}
table.Error = {
  code: [1, "int"], name: [2, "string"], message: [3, "string"], retry: [4, "bool"],
  retry_after_ms: [5, "int"], hello_id: [30, "int"], refused: [31, "string"],
}
table.Shown = { log: [1, "string"], room_id: [2, "string"], seq: [3, "int"], event_id: [4, "string"] }
table.ClientFrame = {
  hello: [1, {
    token: [1, "string"], device_id: [3, "string"], window_messages: [4, "int"], window_bytes: [5, "int"],
    version: [6, "int"], client: [7, "string"], want_signals: [9, "bool"], shown: [11, table.Shown],
    ordinal: [13, "int"], hello_id: [30, "int"],
  }],
  ack: [2, { up_to: [1, "int"], epoch: [30, "int"] }],
  heartbeat: [3, { mark: [1, "int"] }],
  bye: [4, { epoch: [30, "int"] }],
  call: [5, {
    call_id: [1, "int"], method: [2, "string"], payload: [3, "bytes"], token: [4, "string"],
    affinity: [6, "string"], request_id: [20, "string"],
  }],
}
table.ServerFrame = {
  deliveries: [1, [table.Delivery]],
  welcome: [2, {
    epoch: [1, "int"], heartbeat_interval_ms: [4, "int"], window_messages: [5, "int"], window_bytes: [6, "int"],
    gateways: [10, ["string"]], log: [11, "string"], rewound: [12, "bool"], hello_id: [30, "int"],
  }],
  heartbeat: [3, { mark: [1, "int"] }],
  reply: [4, { call_id: [1, "int"], payload: [2, "bytes"], error: [3, table.Error] }],
  closed: [5, { error: [1, table.Error], gateways: [2, ["string"]], hello_id: [30, "int"] }],
  error: [6, table.Error],
}
table.SendEventsRequest = {
  events: [1, [{ event_id: [1, "string"], room_id: [2, "string"], type: [3, "int"], payload: [4, table.Struct] }]],
}
table.SendEventsResponse = { acks: [1, [{ room_id: [2, "string"], seq: [3, "int"] }]] }
table.CreateRoomRequest = { room_id: [1, "string"], profile_ids: [3, ["string"]] }
table.FindRewoundRequest = {
  marks: [1, [{ room_id: [1, "string"], seq: [2, "int"], event_id: [3, "string"] }]],
}
table.FindRewoundResponse = {
  rooms: [1, [{ room_id: [1, "string"], head_seq: [2, "int"], shown_seq: [3, "int"] }]],
}

module.exports = { encode, decode, table }
