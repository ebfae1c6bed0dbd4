/** A consumer: looks a service up, follows its changes, and picks instances by weight. */
import { parseArgs } from 'node:util'
import { connect } from 'lightkeeper'
import { discovery } from 'lightkeeper/recipes'
import { report, run } from '../report.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connect: { type: 'string', default: '127.0.0.1:2181' },
    picks: { type: 'string', default: '1000' },
    'session-timeout': { type: 'string', default: '10000' },
  },
})
const [name = 'demo'] = positionals

await run(async (signal) => {
  await using zk = await connect(values.connect, { sessionTimeout: Number(values['session-timeout']), signal })

  await using service = await discovery(zk).resolve(name, { signal })
  report('found', { instances: service.instances.length })
  for await (const instances of service.changes({ signal })) {
    const picks: Record<string, number> = {}
    for (let i = 0; i < Number(values.picks); i++) {
      const port = service.pick()?.port
      if (port !== undefined) picks[port] = (picks[port] ?? 0) + 1
    }
    const ports = instances.map(({ port = 0 }) => port).sort((a, b) => a - b)
    report('instances', { ports, picks, freshness: service.freshness.kind })
  }
})
