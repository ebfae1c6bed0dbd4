// @ts-check
/**
 * Whole handshakes, one connection each, in a process of its own: the next one begins when one is over. Prints one JSON line. Options
 * come as JSON in the first argument.
 *
 * @typedef {{ port: number, concurrent: number, seconds: number, warmUp: number, tls: { ca: string, cert: string, key: string } }} HandshakeOptions
 */
import { connect, createSecureContext } from 'node:tls'

const { port, concurrent, seconds, warmUp, tls } = /** @type {HandshakeOptions} */ (JSON.parse(process.argv[2] ?? '{}'))
const secureContext = createSecureContext(tls)
let done = 0
let isOver = false
/** @type {number[]} */
const times = []

function next() {
  if (isOver) return
  const from = performance.now()
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext }, () => {
    // A byte of the server's must come: with TLS 1.3 the client is done before the server has looked at its certificate.
    socket.write('ruok')
  })
  socket.once('data', () => {
    done++
    times.push(performance.now() - from)
    socket.destroy()
    next()
  })
  socket.on('error', (error) => {
    if (isOver) return
    console.error(`handshakes: ${error.message}`)
    process.exit(1)
  })
}

for (let i = 0; i < concurrent; i++) next()
await new Promise((resolve) => setTimeout(resolve, warmUp * 1000))
const before = done
times.length = 0
const startedAt = performance.now()
await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
const perSecond = (done - before) / ((performance.now() - startedAt) / 1000)
isOver = true
times.sort((a, b) => a - b)
const p99 = times[Math.floor(times.length * 0.99)] ?? 0
console.log(JSON.stringify({ perSecond: Math.round(perSecond), p99 }))
process.exit(0)
