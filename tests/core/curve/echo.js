// zeromq.js as a process that sends every message back: a Dealer that connects, or a Router that binds.
//   echo.js dealer|router PORT SERVER_KEY PUBLIC_KEY SECRET_KEY
const zmq = require("zeromq")
const [role, port, serverKey, publicKey, secretKey] = process.argv.slice(2)

async function main() {
  const options = { heartbeatInterval: 50, heartbeatTimeout: 20_000, curveSecretKey: secretKey }
  const socket =
    role === "dealer"
      ? new zmq.Dealer({ ...options, curvePublicKey: publicKey, curveServerKey: serverKey })
      : new zmq.Router({ ...options, curveServer: true })
  if (role === "dealer") socket.connect(`tcp://127.0.0.1:${port}`)
  else await socket.bind(`tcp://127.0.0.1:${port}`)
  console.log("ready")
  for await (const message of socket) await socket.send(message)
}

main()
