// zeromq.js as a client whose messages come back. Prints the messages that came back as they were sent.
//   zeromq.js dealer|req URI COUNT LARGEST
const zmq = require("zeromq")
const [kind, uri, count, largest] = process.argv.slice(2)

async function main() {
  // The timeout is else the interval, and the machine may be busy.
  const heartbeats = { heartbeatInterval: 50, heartbeatTimeout: 20_000 }
  const options = { ...heartbeats, receiveTimeout: 20_000, routingId: "device" }
  const socket = kind === "dealer" ? new zmq.Dealer(options) : new zmq.Request(options)
  socket.connect(uri)
  let good = 0
  for (let number = 0; number < Number(count); number++) {
    const sent = Buffer.alloc(number === count - 1 ? Number(largest) : number, number % 256)
    await socket.send(sent)
    const [got, ...more] = await socket.receive()
    good += got.equals(sent) && more.length === 0
  }
  console.log(good)
  socket.close()
}

main()
