// The loop of "Write a client" in PROTOCOL.md: one device's stream, for as long as it may live.
"use strict"

const fs = require("node:fs")
const { decode, encode, table } = require("./protobuf.js")
const { Connection } = require("./zmtp.js")

const FIRST_PAUSE = 100
const LAST_PAUSE = 5_000
const WELCOME_MS = 5_000
const ACK_MS = 50

class Stream {
  constructor({ uri, token, device, file, show, end }) {
    Object.assign(this, { token, device, file, show, end })
    this.gateways = [uri]
    this.state = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file)) : { log: "", shown: {}, newest: null }
    this.replays = new Map()
    this.lost = {} // shown of earlier logs, until chatd has said what of it is gone
    this.asked = []
    this.pause = FIRST_PAUSE
    this.helloId = this.ordinal = this.callId = 0
    this.ending = false
    this.connect()
  }

  connect() {
    Object.assign(this, { epoch: 0, count: 0, acked: 0, size: 0, brought: false, interval: 10_000 })
    this.began = this.heard = this.said = this.beat = Date.now()
    this.connection = new Connection(this.gateways[0])
    this.connection.on("ready", () => this.sayHello())
    this.connection.on("message", (octets) => this.onFrame(decode(table.ServerFrame, octets), octets.length))
    this.connection.on("end", () => this.reconnect())
    this.timer = setInterval(() => this.tick(), ACK_MS)
  }

  reconnect(after = 0) { // H7
    clearInterval(this.timer)
    this.connection.removeAllListeners("end").hangUp()
    if (this.ending) return this.end(0)
    if (this.brought || (this.epoch && Date.now() - this.began > LAST_PAUSE)) this.pause = FIRST_PAUSE
    const wait = Math.max(after * (1 + Math.random() / 5), this.pause * (0.5 + Math.random() / 2))
    this.retry = setTimeout(() => this.connect(), wait)
    this.pause = Math.min(2 * this.pause, LAST_PAUSE)
    this.gateways.push(this.gateways.shift()) // T9
  }

  say(frame) {
    this.said = Date.now()
    this.connection.send(encode(table.ClientFrame, frame))
  }

  sayHello() {
    const { newest, log } = this.state
    const shown = newest ? { shown: { log, room_id: newest.room, seq: newest.seq, event_id: newest.id } } : {}
    this.helloId += 1
    this.ordinal = Math.max(this.ordinal + 1, Date.now()) // H10
    this.say({
      hello: {
        token: this.token, device_id: this.device, version: 1, client: "node example", want_signals: true,
        hello_id: this.helloId, ordinal: this.overtaken ? 0 : this.ordinal, ...shown,
      },
    })
  }

  tick() { // H1, H2, H3
    const now = Date.now()
    if (now - this.heard > (this.epoch ? 3 * this.interval : WELCOME_MS)) return this.reconnect()
    if (!this.epoch) return
    this.acknowledge()
    if (now - Math.min(this.said, Math.max(this.heard, this.beat)) >= this.interval / 2) {
      this.beat = now
      this.say({ heartbeat: { mark: 1 } })
    }
  }

  onFrame(frame, size) {
    if (frame.deliveries.length && this.epoch) this.onDeliveries(frame.deliveries, size)
    else if (frame.welcome?.hello_id === this.helloId) this.onWelcome(frame.welcome) // I2
    else if (frame.reply) this.onLost(frame.reply)
    else if (frame.closed) this.onClosed(frame.closed)
    else if (frame.error) this.onRefused(frame.error)
    this.heard = Date.now() // being busy with a frame is no silence
  }

  onWelcome(welcome) {
    if ((this.state.log && this.state.log !== welcome.log) || welcome.rewound) { // L2, L5
      Object.assign(this.lost, this.state.shown)
      this.state = { log: "", shown: {}, newest: null }
      this.replays.clear()
    }
    this.state.log = welcome.log
    this.overtaken = false
    this.epoch = welcome.epoch
    this.interval = welcome.heartbeat_interval_ms
    this.window = { messages: welcome.window_messages, bytes: welcome.window_bytes }
    const others = welcome.gateways.filter((uri) => !uri.includes("#") && !this.gateways.includes(uri))
    this.gateways.push(...others)
    this.askLost()
  }

  askLost() { // L7: about a thousand rooms at most
    this.asked = Object.keys(this.lost).slice(0, 1_000)
    if (!this.asked.length) return
    const marks = this.asked.map((room) => ({ room_id: room, seq: this.lost[room].seq, event_id: this.lost[room].id }))
    this.callId += 1
    const payload = encode(table.FindRewoundRequest, { marks })
    this.say({ call: { call_id: this.callId, method: "ChatService/FindRewound", payload } })
  }

  onLost({ call_id: callId, payload, error }) {
    if (callId !== this.callId || error?.retry) return // then the next connection asks
    for (const room of this.asked) delete this.lost[room]
    for (const one of decode(table.FindRewoundResponse, payload ?? Buffer.alloc(0)).rooms) {
      console.error(`${one.room_id} went back from ${one.shown_seq} to ${one.head_seq}`)
    }
    this.askLost()
  }

  onDeliveries(deliveries, size) {
    for (const delivery of deliveries) {
      this.count += 1 // W1
      const { room_id: room, seq, event_id: id, sent_at_us: at } = delivery.event
      if (delivery.replay) { // R8
        if (!this.replays.has(`${room}/${seq}`)) this.show(delivery)
        this.replays.set(`${room}/${seq}`, this.count)
        continue
      }
      if (seq <= (this.state.shown[room]?.seq ?? 0)) continue // O3
      this.show(delivery)
      this.state.shown[room] = { seq, id }
      const newest = this.state.newest
      if (!delivery.skipped && (!newest || newest.room === room || newest.at <= at)) {
        this.state.newest = { room, seq, id, at } // L3
      }
    }
    this.brought = true
    this.size += size
    this.save()
    if (4 * (this.count - this.acked) >= this.window.messages || 4 * this.size >= this.window.bytes) {
      this.acknowledge() // W4
    }
  }

  save() { // D1
    const file = fs.openSync(`${this.file}.new`, "w")
    fs.writeSync(file, JSON.stringify(this.state))
    fs.fsyncSync(file)
    fs.closeSync(file)
    fs.renameSync(`${this.file}.new`, this.file)
  }

  acknowledge() {
    if (this.count === this.acked) return
    this.acked = this.count
    this.size = 0
    this.say({ ack: { up_to: this.acked, epoch: this.epoch } })
    for (const [place, count] of this.replays) if (count <= this.acked) this.replays.delete(place)
  }

  onClosed({ error, gateways, hello_id: helloId }) {
    if (helloId !== 0 && helloId !== this.helloId) return // I2
    if (helloId === 0 && error.code === 104 && !this.epoch) return // I3
    if (error.code === 0) return this.end(0)
    this.gateways.unshift(...gateways.filter((uri) => !uri.includes("#")))
    this.gateways = [...new Set(this.gateways)]
    if (gateways.length) this.gateways.unshift(this.gateways.pop()) // reconnect moves on by one
    this.onRefused({ ...error, hello_id: this.helloId })
  }

  onRefused(error) { // E1, E5
    if (error.hello_id !== this.helloId) return // another frame of many; the stream goes on
    if (!error.retry) return this.stop(`${error.code} ${error.name}: ${error.message}`)
    this.overtaken ||= error.code === 609 // H10
    this.reconnect(error.retry_after_ms)
  }

  stop(reason) {
    console.error(reason)
    clearInterval(this.timer)
    this.connection.removeAllListeners("end").hangUp()
    this.end(1)
  }

  leave() { // H8
    this.ending = true
    clearTimeout(this.retry)
    if (!this.epoch) return this.end(0)
    this.acknowledge()
    this.say({ bye: { epoch: this.epoch } })
    setTimeout(() => this.end(0), 1_000)
  }
}

module.exports = { Stream }
