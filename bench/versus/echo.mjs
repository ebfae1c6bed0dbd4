// @ts-check
/**
 * The upper limit: a bare Node server that answers every frame with a fixed reply of the size of a getData reply. Prints its port.
 */
import { createServer } from 'node:net'

const replyBytes = 4 + 16 + 4 + Number(process.argv[2] ?? 100) + 68
const reply = Buffer.alloc(replyBytes)
reply.writeInt32BE(replyBytes - 4, 0)
const many = Buffer.concat(Array.from({ length: 4096 }, () => reply))

const server = createServer({ noDelay: true }, (socket) => {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    let count = 0
    while (at + 4 <= bytes.length && at + 4 + bytes.readInt32BE(at) <= bytes.length) {
      at += 4 + bytes.readInt32BE(at)
      count++
    }
    rest = bytes.subarray(at)
    if (count > 0) socket.write(many.subarray(0, count * replyBytes))
  })
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(typeof address === 'object' && address !== null ? address.port : 0)
})
