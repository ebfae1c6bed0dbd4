/** A provider: registers an address under a service until it is stopped. */
import { parseArgs } from 'node:util'
import { connect } from 'lightkeeper'
import { report, untilInterrupted } from '../report.ts'
import { register } from './registry.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connect: { type: 'string', default: '127.0.0.1:2181' },
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8080' },
    weight: { type: 'string', default: '1' },
    'session-timeout': { type: 'string', default: '10000' },
  },
})
const [service = 'demo'] = positionals
const signal = untilInterrupted()
await using zk = await connect(values.connect, { sessionTimeout: Number(values['session-timeout']), signal })
const instance = { address: values.address, port: Number(values.port), weight: Number(values.weight) }
await register(zk, service, instance, signal, (path) =>
  report('registered', { path, session: zk.sessionId.toString(16) }),
)
report('leaving')
