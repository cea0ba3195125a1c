#!/usr/bin/env node
// A small client without dependencies: rooms, sends, and a stream that goes on after any end.
//   client.js room ROOM [PROFILE…] · client.js send ROOM TEXT… · client.js stream DEVICE STATEFILE
"use strict"

const crypto = require("node:crypto")
const { decode, encode, table } = require("./protobuf.js")
const { Stream } = require("./stream.js")
const { Connection } = require("./zmtp.js")

const uri = process.env.CHATD_URI ?? "tcp://127.0.0.1:7400"
const token = process.env.CHATD_TOKEN ?? ""
const ANSWER_MS = 5_000
// What may harm a terminal (PROTOCOL.md, section 5).
const HARMFUL = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]/g
const say = (...words) => process.stdout.write(`${words.join("\t")}\n`)
const sleep = (ms) => new Promise((done) => setTimeout(done, ms))

// One attempt on a connection of its own: the reply, or null if none came.
function attempt(call) {
  return new Promise((done) => {
    const connection = new Connection(uri)
    const timer = setTimeout(() => connection.hangUp(), ANSWER_MS) // C4
    connection.on("ready", () => connection.send(encode(table.ClientFrame, { call: { call_id: 1, token, ...call } })))
    connection.on("message", (octets) => {
      const { reply } = decode(table.ServerFrame, octets)
      if (reply?.call_id !== 1) return
      done(reply)
      connection.hangUp()
    })
    connection.on("end", () => {
      clearTimeout(timer)
      done(null)
    })
  })
}

// Repeats it, byte by byte, until there is an answer that is final (C5, C6, C7).
async function call(method, room, request, ids = {}) {
  for (let pause = 100; ; pause = Math.min(2 * pause, 5_000)) {
    const reply = await attempt({ method, payload: request, affinity: room, ...ids })
    if (reply && !reply.error) return reply.payload
    if (reply && !reply.error.retry) throw new Error(`${reply.error.code} ${reply.error.name}: ${reply.error.message}`)
    await sleep(Math.max(reply?.error.retry_after_ms ?? 0, pause) * (1 + Math.random() / 5))
  }
}

async function send(room, ...texts) {
  for (const text of texts) { // C11: one after the other
    const payload = { fields: [{ key: "text", value: { string_value: text } }] }
    const event = { event_id: crypto.randomUUID(), room_id: room, type: 1, payload }
    const answer = await call("ChatService/SendEvents", room, encode(table.SendEventsRequest, { events: [event] }))
    say("sent", room, decode(table.SendEventsResponse, answer).acks[0].seq)
  }
}

async function room(name, ...profiles) {
  const request = encode(table.CreateRoomRequest, { room_id: name, profile_ids: profiles })
  await call("ChatService/CreateRoom", name, request, { request_id: crypto.randomUUID() })
  say("room", name)
}

function show({ event, payload, skipped, replay }) {
  if (skipped) return say("marker", event.room_id, skipped.first_seq, skipped.last_seq)
  const text = payload?.fields.find(({ key }) => key === "text")?.value?.string_value ?? ""
  say(replay ? "replay" : "event", event.room_id, event.seq, text.replace(HARMFUL, "?"))
}

const [command, ...words] = process.argv.slice(2)
if (command === "stream") {
  const [device, file] = words
  const stream = new Stream({ uri, token, device, file, show, end: (code) => process.exit(code) })
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => stream.leave())
} else if (command === "send" || command === "room") {
  ;(command === "send" ? send : room)(...words).catch((error) => {
    console.error(error.message)
    process.exit(1)
  })
} else {
  console.error("client.js room ROOM [PROFILE…] | send ROOM TEXT… | stream DEVICE STATEFILE")
  process.exit(2)
}
