// ZMTP 3.0 with the mechanism NULL, the side of a DEALER (PROTOCOL.md, section 1). Emits "ready",
// "message" with the octets of one frame, and "end" once.
"use strict"

const { EventEmitter } = require("node:events")
const net = require("node:net")

const GREETING = Buffer.alloc(64)
GREETING.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0])
GREETING.write("NULL", 12)
const READY = Buffer.from("\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER", "latin1")

class Connection extends EventEmitter {
  constructor(uri) {
    super()
    const [, host, port] = /^tcp:\/\/\[?(.*?)\]?:(\d+)$/.exec(uri) ?? []
    if (port === undefined) throw new Error(`not an address that this client speaks to: ${uri}`)
    this.kept = Buffer.alloc(0)
    this.greeted = this.ended = false
    this.socket = net.connect(Number(port), host)
    this.socket.setNoDelay(true)
    this.socket.on("connect", () => this.socket.write(Buffer.concat([GREETING, READY])))
    this.socket.on("data", (data) => this.receive(data))
    this.socket.on("error", () => {}) // "close" follows
    this.socket.on("close", () => this.hangUp())
  }

  receive(data) {
    this.kept = Buffer.concat([this.kept, data])
    if (!this.greeted) {
      if (this.kept.length < 64) return
      this.greeted = true
      this.kept = this.kept.subarray(64)
    }
    while (!this.ended && this.kept.length >= 2) {
      const [flags, length] = this.kept
      const start = flags & 2 ? 9 : 2
      if (this.kept.length < start) return
      const end = start + (flags & 2 ? Number(this.kept.readBigUInt64BE(1)) : length)
      if (this.kept.length < end) return
      const body = this.kept.subarray(start, end)
      this.kept = this.kept.subarray(end)
      if (!(flags & 4)) this.emit("message", body)
      else if (body.toString("latin1", 1, 6) === "READY") this.emit("ready")
    }
  }

  send(body) {
    const head = Buffer.alloc(9)
    head[0] = 2
    head.writeBigUInt64BE(BigInt(body.length), 1)
    this.socket.write(Buffer.concat([head, body]))
  }

  hangUp() {
    if (this.ended) return
    this.ended = true
    this.socket.destroy()
    this.emit("end")
  }
}

module.exports = { Connection }
