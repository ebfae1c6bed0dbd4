/** A consumer: looks a service up, follows its changes, and picks instances by weight. */
import { parseArgs } from 'node:util'
import { connect } from 'lightkeeper'
import { report, untilInterrupted } from '../report.ts'
import { follow, lookUp, pick } from './registry.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connect: { type: 'string', default: '127.0.0.1:2181' },
    picks: { type: 'string', default: '1000' },
    'session-timeout': { type: 'string', default: '10000' },
  },
})
const [service = 'demo'] = positionals
const signal = untilInterrupted()
await using zk = await connect(values.connect, { sessionTimeout: Number(values['session-timeout']), signal })
report('found', { instances: (await lookUp(zk, service)).length })
for await (const instances of follow(zk, service, signal)) {
  const picks: Record<string, number> = {}
  for (let i = 0; i < Number(values.picks); i++) {
    const target = pick(instances.values(), Math.random())
    if (target !== undefined) picks[target.port] = (picks[target.port] ?? 0) + 1
  }
  report('instances', { ports: [...instances.values()].map(({ port }) => port).sort((a, b) => a - b), picks })
}
